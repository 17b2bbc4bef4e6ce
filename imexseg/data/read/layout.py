"""Where a folder keeps its images and masks: common layouts, recognised by folder and file names."""

import itertools
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from imexseg.data.description.data_yaml import SPLITS, SplitRule
from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES, MASK_SUFFIXES
from imexseg.data.read.images import read_image
from imexseg.errors import UsageError

Folders = dict[tuple[str, ...], list[str]]  # parts of a path below the root ↦ names of its image files
FEW_VALUES = 64  # that a mask may have
DEPTH = 4  # folders below the one that is given
_IMAGE_WORDS = re.compile(
    r"^(images?|imgs?|jpegimages|photos?|inputs?|leftimg8bit|x|originals?|scans?)$|[_-](images?|imgs?)$"
)
_MASK_WORDS = re.compile(
    r"^(masks?|labels?|ann|annotations?|annot|gt|gtfine|segmentationclass|ground_?truths?|y|targets?|segmentations?)$"
    r"|[_-]?(masks?|labels?|annot(ations?)?|gt)$"
)
_OTHER_SPLITS = ("training", "valid", "validation", "testing")


@dataclass(frozen=True)
class Layout:
    """images, masks: patterns, None for the project's own layout.  split: a rule where there are no split folders."""

    images: str | None
    masks: str | None
    split: SplitRule | None
    remarks: list[str] = field(default_factory=list)


def find_layout(root: Path) -> Layout:
    """Raises: UsageError saying what was looked for, if images or masks cannot be told apart."""
    folders = _folders_with_files(root)
    images = {parts: names for parts, names in folders.items() if _role(parts) == "images"}
    masks = {parts: names for parts, names in folders.items() if _role(parts) == "masks"}
    if not masks and len(folders) == 1:
        return _one_folder(root, *next(iter(folders.items())))
    if masks and not images:
        images = {parts: names for parts, names in folders.items() if _role(parts) is None}
    if not images and not masks:
        images, masks = _by_content(root, folders)
    if not images or not masks:
        raise UsageError(
            f"{root}: cannot tell images from masks; name the folders images/ and masks/, or write patterns into data.yaml "
            '(images: "photos/{split}/*.jpg")'
        )
    image_pattern, image_names = _pattern(images)
    mask_pattern, mask_names = _pattern(masks)
    image_form, mask_form = _forms(image_names, mask_names)
    has_split = "{split}" in image_pattern or "{split}" in mask_pattern
    found = {split for split in SPLITS for parts in images if split in parts}
    rule = None if has_split and "val" in found else SplitRule()
    remarks = [
        f"the folder {'/'.join(parts)} is not used: name its split {', '.join(SPLITS)}"
        for parts in sorted(images)
        if any(part in _OTHER_SPLITS for part in parts)
    ]
    own = image_form == "*" and mask_form == "*" and mask_pattern.replace("masks", "images") == image_pattern
    if own and image_pattern in ("images/{split}", "images"):
        return Layout(None, None, rule, remarks)
    return Layout(
        f"{image_pattern}/{image_form}{_suffix(image_names)}",
        f"{mask_pattern}/{mask_form}{_suffix(mask_names)}",
        rule,
        remarks,
    )


def _folders_with_files(root: Path) -> Folders:
    found: Folders = {}
    for name, below, files in os.walk(root, followlinks=True):  # data is often linked; DEPTH ends loops
        parts = Path(name).relative_to(root).parts
        below[:] = sorted(folder for folder in below if folder[0] != "." and len(parts) < DEPTH)
        names = sorted(file for file in files if Path(file).suffix.lower() in IMAGE_SUFFIXES and file[0] != ".")
        if names:
            found[parts] = names
    if not found:
        raise UsageError(f"{root}: has no images in it (looked for {', '.join(sorted(IMAGE_SUFFIXES))})")
    return found


def _role(parts: tuple[str, ...]) -> str | None:
    for part in reversed(parts):
        if _MASK_WORDS.search(part.lower()):
            return "masks"
        if _IMAGE_WORDS.search(part.lower()):
            return "images"
    return None


def _by_content(root: Path, folders: Folders) -> tuple[Folders, Folders]:
    """Of two groups of folders with names that say nothing: masks have few values, images have many."""
    groups: dict[tuple[str, ...], Folders] = {}
    for parts, names in folders.items():
        groups.setdefault(tuple(part for part in parts if part not in SPLITS), {})[parts] = names
    if len(groups) != 2:
        return {}, {}
    numbers = {}
    for key, group in groups.items():
        parts, names = next(iter(group.items()))
        try:
            pixels = read_image(root.joinpath(*parts, names[0]))
        except UsageError:
            return {}, {}
        numbers[key] = len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0))
    fewer, more = sorted(numbers, key=lambda key: numbers[key])
    told_apart = numbers[fewer] <= FEW_VALUES and numbers[more] > 4 * numbers[fewer]
    return (groups[more], groups[fewer]) if told_apart else ({}, {})


def _pattern(folders: Folders) -> tuple[str, list[str]]:
    """One pattern for as many of the folders as go together, and the names of their files."""
    patterns: Counter[str] = Counter()
    names: dict[str, list[str]] = {}
    for parts, files in folders.items():
        if any(part in _OTHER_SPLITS for part in parts):
            continue
        forms = ["{split}" if part in SPLITS else part for part in parts]
        if "{split}" not in forms:  # SegNet's trainannot/, or train_masks/
            forms = [re.sub(r"^(train|val|test)(?=[_-]?[a-z])", "{split}", part) for part in parts]
        after = forms.index("{split}") + 1 if "{split}" in forms else len(forms)
        # Folders below a split, such as the cities of Cityscapes, are any folders.
        tail = [part for part in forms[after:] if _MASK_WORDS.search(part.lower()) or _IMAGE_WORDS.search(part.lower())]
        pattern = "/".join([*forms[:after], *(tail if len(tail) == len(forms[after:]) else ["**"])])
        patterns[pattern] += len(files)
        names.setdefault(pattern, []).extend(files)
    if not patterns:
        raise UsageError("no folder is named train, val or test; rename them")
    best = patterns.most_common(1)[0][0]
    return best, names[best]


def _forms(images: list[str], masks: list[str]) -> tuple[str, str]:
    """What stands before and after the part of the name that image and mask share, as patterns with one `*`."""
    image_stems, mask_stems = ({Path(name).stem for name in names} for names in (images, masks))
    if image_stems & mask_stems:
        return "*", "*"
    (before_i, after_i), (before_m, after_m) = _frame(image_stems), _frame(mask_stems)
    for own in ((before_i, after_i), ("", "")):
        for other in ((before_m, after_m), ("", after_m), (before_m, "")):
            cut = {stem[len(own[0]) : len(stem) - len(own[1])] for stem in image_stems}
            if cut & {stem[len(other[0]) : len(stem) - len(other[1])] for stem in mask_stems}:
                return f"{own[0]}*{own[1]}", f"{other[0]}*{other[1]}"
    return "*", "*"


def _frame(stems: set[str]) -> tuple[str, str]:
    """What all names begin and end with, digits excepted (which count), so that something is left in the middle."""
    ordered = sorted(stems)
    before = re.sub(r"\d+$", "", _common(ordered))
    ending = _common([stem[::-1] for stem in ordered])[::-1]
    after = re.sub(r"^[^_\-. ]*\d", "", ending)
    shortest = min(len(stem) for stem in stems)
    return (before, after) if len(before) + len(after) < shortest else ("", after if len(after) < shortest else "")


def _common(texts: list[str]) -> str:
    """What all texts begin with."""
    letters = itertools.takewhile(lambda column: len(set(column)) == 1, zip(*texts, strict=False))
    return "".join(column[0] for column in letters)


def _suffix(names: list[str]) -> str:
    suffixes = {Path(name).suffix for name in names}
    return suffixes.pop() if len(suffixes) == 1 else ".*"


def _one_folder(root: Path, parts: tuple[str, ...], names: list[str]) -> Layout:
    """Images and masks side by side: 1.jpg with 1.png, or 1.png with 1_mask.png."""
    below = "/".join([*parts, ""])
    marked = [name for name in names if _MASK_WORDS.search(Path(name).stem.lower())]
    others = [name for name in names if name not in marked]
    if not marked:
        marked = [name for name in names if Path(name).suffix.lower() in MASK_SUFFIXES]
        others = [name for name in names if name not in marked]
    if not marked or not others:
        raise UsageError(f"{root / below}: cannot tell images from masks; put them into images/ and masks/")
    image_form, mask_form = _forms(others, marked)
    image, mask = f"{below}{image_form}{_suffix(others)}", f"{below}{mask_form}{_suffix(marked)}"
    return Layout(image, mask, SplitRule())
