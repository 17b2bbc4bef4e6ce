"""YOLO segmentation: labels/*.txt with `class x y x y …`, relative to the image; names in data.yaml. Later lines win.

Layouts: images/{split} with labels/{split}, {split}/images with {split}/labels, or images with labels. Class 0 of the result
is the background, class n of the files becomes n + 1. An image without a file of labels shows background alone.
"""

from functools import partial
from pathlib import Path

import numpy as np

from imexseg.data.convert.shapes import polygon
from imexseg.data.convert.target import Item, Plan, empty_mask, image_size, read_text
from imexseg.data.description.data_yaml import SPLITS
from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES
from imexseg.errors import UsageError
from imexseg.settings import read_yaml_mapping

_FOLDERS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}


def convert_yolo(source: Path) -> Plan:
    """Raises: UsageError naming the file, the line and the remedy."""
    names = _names(source)
    items: list[Item] = []
    for split, images, labels in _folders(source):
        for image in sorted(p for p in images.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.name[0] != "."):
            file, size = labels / f"{image.stem}.txt", image_size(image)
            items.append(
                Item(
                    split,
                    image.stem,
                    image,
                    image.suffix,
                    partial(_mask, file, size, len(names)),
                )
            )
    if not items:
        raise UsageError(f"{source}: no images in images/{{train,val,test}}, {{train,val,test}}/images or images")
    return Plan(["background", *names], items)


def _folders(source: Path) -> list[tuple[str, Path, Path]]:
    found = []
    for split in SPLITS:
        for name in _FOLDERS[split]:
            for images, labels in (
                (source / "images" / name, source / "labels" / name),
                (source / name / "images", source / name / "labels"),
            ):
                if images.is_dir():
                    found.append((split, images, labels))
    return found or [("train", source / "images", source / "labels")] * (source / "images").is_dir()


def _names(source: Path) -> list[str]:
    files = [path for path in (source / "data.yaml", *sorted(source.glob("*.yaml"))) if path.is_file()]
    if not files:
        raise UsageError(f"{source}: no data.yaml with names; add one like `names: [cat, dog]`")
    names = read_yaml_mapping(files[0]).get("names")
    if isinstance(names, dict):
        if sorted(names) != list(range(len(names))):
            raise UsageError(f"{files[0]}: names must count from 0 without gaps")
        names = [names[i] for i in range(len(names))]
    if not isinstance(names, list) or not names:
        raise UsageError(f"{files[0]}: has no list of names; add one like `names: [cat, dog]`")
    plain = [str(name) for name in names]
    return [f"{name} (object)" if name == "background" else name for name in plain]


def _mask(file: Path, size: tuple[int, int], n_names: int) -> np.ndarray:
    mask = empty_mask(size)
    if not file.is_file():
        return mask
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        where = f"{file}: line {number}"
        try:
            values = [float(word) for word in words]
        except ValueError:
            raise UsageError(f"{where}: expected `class x y x y ...`, found {line[:80]!r}") from None
        if not values[0].is_integer() or not 0 <= values[0] < n_names:
            raise UsageError(f"{where}: class {words[0]} has no name; data.yaml has {n_names}")
        if len(values) == 5:
            raise UsageError(
                f"{where}: is a box, which says nothing of pixels; give outlines (a segmentation data set)"
            )
        if len(values) % 2 == 0:
            raise UsageError(f"{where}: has an odd number of coordinates; expected `class x y x y ...`")
        corners = np.array(values[1:]).reshape(-1, 2)
        if not ((corners >= -0.01) & (corners <= 1.01)).all():
            raise UsageError(f"{where}: has coordinates outside 0 to 1; divide them by width and height")
        try:
            mask[polygon(corners * (size[1], size[0]), size)] = int(values[0]) + 1
        except ValueError as error:
            raise UsageError(f"{where}: {error}") from None
    return mask
