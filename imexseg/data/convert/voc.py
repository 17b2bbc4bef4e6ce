"""Pascal VOC: JPEGImages, SegmentationClass and ImageSets/Segmentation/*.txt, by VOC itself, CVAT, Datumaro or labelme2voc.

Names: labelmap.txt (its colours say what a mask means), class_names.txt (values count its lines), else the twenty of VOC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from imexseg.data.convert.locate import list_files, list_images
from imexseg.data.convert.notes import Notes
from imexseg.data.convert.numbers import is_background
from imexseg.data.convert.splits import split_in
from imexseg.data.convert.target import Item, Plan
from imexseg.data.description.colour_list import ClassColour, read_class_colours
from imexseg.data.description.labels import IGNORE, LabelTable, label_table
from imexseg.data.description.palette import Colour
from imexseg.data.pairs.files import file_key
from imexseg.data.read.masks import read_with_labels
from imexseg.errors import UsageError
from imexseg.text import read_text

NAMES = [
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
]
_VOID = 0xE0E0C0  # the colour of what VOC ignores, between objects
_LISTS_OF_NAMES = ("class_names.txt", "labels.txt")  # of labelme2voc
_IGNORED = "__ignore__"


@dataclass(frozen=True)
class Legend:
    """What the masks of a folder mean. numbers: of class i of the labels, 255 if it is ignored.  names: number ↦ name of the
    others, palette: their colours.  rule: of the numbers, in words."""

    labels: LabelTable
    numbers: list[int]
    names: dict[int, str]
    palette: list[Colour]
    rule: str


def convert_voc(source: Path, folder: Path | None = None) -> Plan:
    """Args: folder: of the images, if that is not JPEGImages. Raises: UsageError naming the file and the remedy."""
    notes = Notes()
    masks = _folder(source, "SegmentationClassPNG", "SegmentationClass")
    images = folder or _folder(source, "JPEGImages")
    legend = _legend(source, notes)
    image_of = _by_key(list_images(images, notes), images)
    mask_of = _by_key(list_files(masks, {".png"}, notes), masks)
    items = []
    for key, split in _splits(source, image_of, mask_of, notes).items():
        image, mask = image_of.get(key), mask_of.get(key)
        if image is None or mask is None:
            if ".." in key.split("/") or key.startswith("/"):
                raise UsageError(f"{source}: a list names {key[:200]!r}, which is not inside {images}; correct it")
            missing = images / f"{key}.jpg" if image is None else masks / f"{key}.png"
            raise UsageError(f"{missing}: image or mask is missing; add {missing.name} or remove the line")
        draw = partial(class_numbers, image, mask, legend, notes)
        items.append(Item(split, key.replace("/", "_"), image, image.suffix, draw))
    used = {item.image for item in items}
    notes.add_all("images that no list names, left out", [path.name for path in image_of.values() if path not in used])
    unnamed = sorted(mask_of.keys() - {key for key, path in image_of.items() if path in used})
    notes.add_all("masks that no list names, left out", [mask_of[key].name for key in unnamed])
    return Plan(legend.names, items, legend.rule, legend.palette, notes)


def _folder(source: Path, *names: str) -> Path:
    folder = next((source / name for name in names if (source / name).is_dir()), None)
    if folder is None:
        hint = "; CVAT adds it with `Save images`" if names == ("JPEGImages",) else ""
        raise UsageError(
            f"{source / names[-1]}: no such folder; give the one that holds JPEGImages and SegmentationClass{hint}"
        )
    return folder


def _by_key(paths: list[Path], folder: Path) -> dict[str, Path]:
    """Path below the folder without suffix ↦ file. Raises: UsageError for two of one name."""
    found: dict[str, Path] = {}
    for path in paths:
        key = file_key(path, folder)
        if key in found:
            raise UsageError(
                f"{path}: shares its name with {found[key].name}, so it is unclear which mask belongs to which image; rename one"
            )
        found[key] = path
    return found


def _splits(source: Path, images: Mapping[str, Path], masks: Mapping[str, Path], notes: Notes) -> dict[str, str]:
    """Key ↦ split, from the lists; those that name no split, as CVAT's default.txt, are training."""
    folder = source / "ImageSets" / "Segmentation"
    lists = list_files(folder, {".txt"}, notes) if folder.is_dir() else []
    named = [path for path in lists if split_in(path.stem)]
    found: dict[str, str] = {}
    for path in named or lists:
        split = split_in(path.stem) or "train"
        if not named:
            notes.add("lists that name no split, taken for training", path.name)
        for line in read_text(path).splitlines():
            key = _key(line, images, masks)
            if key and found.setdefault(key, split) != split:
                raise UsageError(f"{path}: {key} is in {found[key]} too; remove it from one of the lists")
    if named:
        notes.add_all("lists that name no split, left out", [path.name for path in lists if path not in named])
    if not lists:
        notes.remark("no ImageSets/Segmentation/*.txt: every mask with an image is taken, for training")
        found = dict.fromkeys(sorted(masks.keys() & images.keys()), "train")
    return found


def _key(line: str, images: Mapping[str, Path], masks: Mapping[str, Path]) -> str:
    """A line as it may stand there: with quotes, a suffix, or a number behind it (of VOC's lists of one class)."""
    text = line.strip().strip("\"'").replace("\\", "/").removeprefix("./")
    words = text.split()
    for key in (text, text.rpartition(".")[0], words[0] if words else ""):
        if key in images or key in masks:
            return key
    return text


def _legend(source: Path, notes: Notes) -> Legend:
    listed = next((path for path in source.glob("*.txt") if path.name.lower() == "labelmap.txt"), None)
    if listed is not None:
        return legend_of_colours(listed, read_class_colours(listed, notes.remark), notes)
    path = next((source / name for name in _LISTS_OF_NAMES if (source / name).is_file()), None)
    if path is None:
        notes.remark("there is neither labelmap.txt nor class_names.txt: names are assumed to be the twenty of VOC")
        names = list(NAMES)
    else:
        names = [line.strip() for line in read_text(path).splitlines() if line.strip()]
        names = names[1:] if names[:1] == [_IGNORED] else names
        if len(names) < 2 or len(set(names)) < len(names):
            raise UsageError(f"{path}: needs at least two different names, one per line")
        names = ["background" if is_background(name) else name for name in names]
    labels = label_table(dict(enumerate(names)), None, [], [], "numbers").labels
    return Legend(labels, list(range(len(names))), dict(enumerate(names)), [], "the values in the masks")


def legend_of_colours(path: Path, listed: list[ClassColour], notes: Notes) -> Legend:
    """Numbers of the list where it has some; else the background is 0 and the others follow in the order of the list."""
    if all(row.number is not None for row in listed):
        numbers = {int(row.number): row for row in listed if row.number is not None}
        rule = f"those of {path.name}"
    else:
        first = next((i for i, row in enumerate(listed) if is_background(row.name)), None)
        order = listed if first is None else [listed[first], *listed[:first], *listed[first + 1 :]]
        numbers = dict(enumerate(order))
        rule = f"counted from 0 in the order of {path.name}" + (", the background first" if first else "")
        if first is None:
            notes.remark(f"{path.name} names no background: class 0 is {listed[0].name!r}")
    rows = dict(sorted(numbers.items()))
    try:
        plain = {i: row.name for i, row in enumerate(rows.values())}
        labels = label_table(plain, None, [], [row.colour for row in rows.values()]).labels
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    kept = {n: row for n, row in rows.items() if n != IGNORE}
    labels = replace(labels, colours={_VOID: IGNORE} | dict(labels.colours), source=path.name)
    names, palette = {n: row.name for n, row in kept.items()}, [row.colour for row in kept.values()]
    return Legend(labels, list(rows), names, palette, rule)


def class_numbers(image: Path, mask: Path, legend: Legend, notes: Notes, size: tuple[int, int]) -> np.ndarray:
    """Of a mask file. Raises: UsageError if values or colours mean nothing, or the size is not that of the image."""
    try:
        read = read_with_labels(mask, legend.labels)
    except UsageError as error:
        if legend.labels.colours or "palette" not in str(error):
            raise
        raise UsageError(f"{mask}: is in colours; list them in labelmap.txt, like `cell:230,25,75::`") from None
    if read.wrong is not None:
        raise UsageError(read.wrong)
    if read.classes.shape != size:
        raise UsageError(
            f"{mask}: is {read.classes.shape[1]} x {read.classes.shape[0]} px, its image {size[1]} x {size[0]} px; scale "
            "it without interpolation"
        )
    for kind, line in read.remarks:
        notes.example(f"masks, {kind}", line, mask.name)
    table = np.full(256, IGNORE, dtype=np.uint8)
    table[: len(legend.numbers)] = legend.numbers
    return table[read.classes]
