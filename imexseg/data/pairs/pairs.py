"""Which image belongs to which mask."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imexseg.data.description.data_yaml import SPLITS, DataDescription
from imexseg.data.description.labels import LabelTable
from imexseg.data.description.splits import assign_splits
from imexseg.data.pairs.files import file_key, find_files, has_suffix, some_names
from imexseg.data.pairs.patterns import Key, Pattern
from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES, LOSSY, MASK_SUFFIXES
from imexseg.errors import UsageError


@dataclass(frozen=True)
class Pair:
    """An image and its mask. labels: what the values of the mask mean, None: class numbers as they stand."""

    image: Path
    mask: Path
    labels: LabelTable | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Listing:
    """The pairs of a split, and what was found beside them that is wrong."""

    pairs: list[Pair]
    without_mask: list[Path]
    without_image: list[Path]
    where_mask: str  # where a missing mask was looked for
    where_image: str


def list_pairs(description: DataDescription, split: str) -> list[Pair]:
    """images/{split}/NAME.* with masks/{split}/NAME.*, or what the patterns of data.yaml name, in the order of names.

    Raises: UsageError naming folder or files and the remedy if one is missing, empty, without partner or there twice.
    """
    listing = list_files(description, split)
    problems = [
        f"{some_names(paths)}: no {missing}; add it or remove the file"
        for paths, missing in (
            (listing.without_mask, f"mask {listing.where_mask}"),
            (listing.without_image, f"image {listing.where_image}"),
        )
        if paths
    ]
    if problems:
        raise UsageError("\n".join(problems))
    return listing.pairs


def list_files(description: DataDescription, split: str) -> Listing:
    """As list_pairs, with files that have no partner listed instead of refused. Raises: UsageError for all else."""
    images, masks, where = _sources(description, split)
    if description.split is not None and _is_made(description, split):
        splits = assign_splits({"/".join(key): path for key, path in images.items()}, description.split)
        everywhere = images
        images = {key: path for key, path in images.items() if splits["/".join(key)] == split}
        masks = {key: path for key, path in masks.items() if key in images or key not in everywhere}
        if not images:
            raise UsageError(
                f"{description.root}: none of the {len(everywhere)} images falls into {split!r}; "
                f"raise `split: {{{split}: ...}}` in data.yaml"
            )
    shared = sorted(images.keys() & masks.keys())
    alone = [masks[key] for key in sorted(masks.keys() - images.keys())]
    if description.images and "{split}" in description.images and "{split}" not in (description.masks or ""):
        alone = []  # all masks in one place: those of the other splits are no mistake
    return Listing(
        pairs=[Pair(images[key], masks[key], description.labels) for key in shared],
        without_mask=[images[key] for key in sorted(images.keys() - masks.keys())],
        without_image=alone,
        where_mask=where[1],
        where_image=where[0],
    )


def available_splits(description: DataDescription) -> list[str]:
    """Those of train, val and test that have images, or that `split` in data.yaml makes."""
    if description.images:
        pattern = Pattern(description.root, description.images)
        if pattern.names_split:
            return [split for split in SPLITS if pattern.files(split) or _is_made(description, split)]
        return [split for split in SPLITS if _is_made(description, split)]
    has_folder = {split: (description.root / "images" / split).is_dir() for split in SPLITS}
    return [split for split in SPLITS if has_folder[split] or _is_made(description, split)]


def _is_made(description: DataDescription, split: str) -> bool:
    """Whether the rule in data.yaml decides which files are of this split. Raises: UsageError if it is there twice."""
    rule = description.split
    if rule is None:
        return False
    share = {"train": 1.0, "val": rule.val, "test": rule.test}[split]
    if split != "train" and share and _has_own_files(description, split):
        raise UsageError(
            f"{description.root}: {split} has files of its own and a share in `split` of data.yaml; "
            f"remove one (`split: {{{split}: 0}}`)"
        )
    return share > 0


def _has_own_files(description: DataDescription, split: str) -> bool:
    if description.images:
        pattern = Pattern(description.root, description.images)
        return pattern.names_split and bool(pattern.files(split))
    return (description.root / "images" / split).is_dir()


def _sources(
    description: DataDescription, split: str
) -> tuple[Mapping[Key, Path], Mapping[Key, Path], tuple[str, str]]:
    """Images and masks by key, from which a split is taken; and in words where they were looked for."""
    made = description.split is not None and _is_made(description, split)
    if description.images and description.masks:
        image_pattern = Pattern(description.root, description.images)
        mask_pattern = Pattern(description.root, description.masks)
        if not made and not image_pattern.names_split:
            raise UsageError(
                f"{description.root}: {description.images!r} has no {{split}}, so nothing says what {split} is; "
                "write it into the pattern, or let `split: {val: 0.2, seed: 0}` choose"
            )
        folder = "train" if made else split  # a rule shares out the files of train
        length = min(image_pattern.n_wildcards, mask_pattern.n_wildcards)
        images = _by_key(image_pattern, folder, length, IMAGE_SUFFIXES)
        masks = _by_key(mask_pattern, folder, length, MASK_SUFFIXES)
        return images, masks, (f"that {description.images!r} matches", f"that {description.masks!r} matches")
    folder = split
    if made:
        folder = "train" if (description.root / "images" / "train").is_dir() else ""
    places = [description.root / kind / folder for kind in ("images", "masks")]
    images = _below(places[0], IMAGE_SUFFIXES, split)
    masks = _below(places[1], MASK_SUFFIXES, split)
    if made and not folder:  # folders of other splits are theirs
        images, masks = (
            {k: p for k, p in found.items() if k[0].split("/")[0] not in SPLITS} for found in (images, masks)
        )
    return images, masks, (f"{places[0]}/<same name>.*", f"{places[1]}/<same name>.png")


def _by_key(pattern: Pattern, split: str, length: int, suffixes: frozenset[str]) -> dict[Key, Path]:
    everything = pattern.files(split)
    matches = {path: key for path, key in everything.items() if has_suffix(path, suffixes)}
    if not matches and any(has_suffix(path, LOSSY) for path in everything):
        raise UsageError(f"{pattern.text}: JPEG compression changes class numbers; export the masks as PNG")
    if not matches:
        raise UsageError(f"{pattern.text}: no {', '.join(sorted(suffixes))} file matches; correct it in data.yaml")
    keys = {path: key[-length:] for path, key in matches.items()}
    return _unique(keys)


def _below(folder: Path, suffixes: frozenset[str], split: str) -> dict[Key, Path]:
    """Files below a folder by their path without suffix."""
    if not folder.is_dir():
        raise UsageError(
            f"{folder}: no such folder; the split {split!r} needs images/{split} and masks/{split}, "
            "or `split: {val: 0.2, seed: 0}` in data.yaml to share out the files of train"
        )
    found = find_files(folder, suffixes)
    if not found.files and any(has_suffix(path, LOSSY) for path in found.other):
        raise UsageError(
            f"{folder}: has only JPEG files, and JPEG compression changes class numbers; export the masks as PNG"
        )
    if not found.files:
        raise UsageError(
            f"{folder}: has no {', '.join(sorted(suffixes))} files; put the files of the split {split!r} there"
        )
    return _unique({path: (file_key(path, folder),) for path in found.files})


def _unique(keys: dict[Path, Key]) -> dict[Key, Path]:
    twice = [key for key, count in Counter(keys.values()).items() if count > 1]
    if twice:
        same = [path for path, key in keys.items() if key == twice[0]]
        name = "/".join(twice[0])
        raise UsageError(
            f"{some_names(same)}: share the name {name!r}, so it is unclear which mask belongs to which image; rename one"
        )
    return {key: path for path, key in keys.items()}
