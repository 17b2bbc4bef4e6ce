"""COCO: instances_*.json with outlines and run lengths, or panoptic data. Class 0 is whatever no annotation covers.

Where annotations overlap, the later one in the file wins; crowds, whose outlines are rough, are ignored (255) and drawn first.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from imexseg.data.convert.canvas import Canvas, side
from imexseg.data.convert.coco_file import CocoFile, by_image, classes_of, image_of, read_files
from imexseg.data.convert.json_file import identity, is_true
from imexseg.data.convert.locate import Files, list_images
from imexseg.data.convert.notes import Notes
from imexseg.data.convert.numbers import Classes
from imexseg.data.convert.panoptic import convert_panoptic
from imexseg.data.convert.splits import split_in
from imexseg.data.convert.target import Item, Plan
from imexseg.data.description.labels import IGNORE
from imexseg.errors import UsageError

_CROWDS = "crowds, ignored (255); if they are objects (CVAT stores brush strokes in this way), add --crowds objects"


def convert_coco(source: Path, images: Path | None = None, crowds: str = "ignore") -> Plan:
    """Args: source: one JSON file, or a folder with several.  images: where the image files are; by default below the folder
    of the JSON, or of its annotations/.  crowds: "ignore" as 255, or "objects" like all others.

    Raises: UsageError naming the file, the annotation and the remedy.
    """
    notes = Notes()
    files = read_files(source, notes)
    root = _root(source) if images is None else images
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder; say where the images are with --images")
    if any(file.is_panoptic for file in files):
        if not all(file.is_panoptic for file in files):
            raise UsageError(f"{source}: has both panoptic and instance files; give one JSON file")
        if crowds == "objects":
            raise UsageError(f"--crowds objects: {source} is panoptic, where a crowd is no single object; leave it out")
        return convert_panoptic(files, root, classes_of(files, notes), notes)
    classes = classes_of(files, notes)
    found = Files(root, list_images(root, notes))
    items = [item for file in files for item in _items(file, found, classes, crowds == "objects", notes)]
    notes.add_all("image files that no annotation file lists, left out", [path.name for path in found.left()])
    return Plan(classes.names, items, classes.rule, notes=notes)


def _root(source: Path) -> Path:
    """The folder to look for images in: that of the JSON, unless that is one for annotations or for a split."""
    root = source if source.is_dir() else source.absolute().parent
    if root.name.lower() in ("annotations", "annotation", "labels", "json") or (
        source.is_file() and split_in(root.name)
    ):
        return root.parent
    return root


def _items(file: CocoFile, found: Files, classes: Classes, keep_crowds: bool, notes: Notes) -> list[Item]:
    of_image = by_image(file)
    items: list[Item] = []
    listed: dict[Path, str] = {}
    for image in file.images:
        number, path = identity(image.get("id")), image_of(file, image, found, notes)
        if listed.setdefault(path, str(number)) != number:
            raise UsageError(f"{file.path}: {path.name} is listed as image {listed[path]} and as {number}; keep one")
        annotations = of_image[str(number)]
        if not annotations:
            notes.add("images without annotation, all background", path.name)
        height, width = side(image.get("height")), side(image.get("width"))
        stated = (height, width) if height and width else None
        draw = partial(_mask, annotations, stated, path, file, classes.numbers, keep_crowds, notes)
        stem = (
            "_".join(path.relative_to(found.root).with_suffix("").parts)
            if "/" in str(image["file_name"])
            else path.stem
        )
        items.append(Item(file.split or "train", stem, path, path.suffix, draw))
    return items


def _mask(
    annotations: list[dict[str, Any]],
    stated: tuple[int, int] | None,
    image: Path,
    file: CocoFile,
    numbers: Mapping[str, int],
    keep_crowds: bool,
    notes: Notes,
    size: tuple[int, int],
) -> np.ndarray:
    canvas = Canvas(size, stated, file.path, image, notes)
    drawn = [(a, not keep_crowds and is_true(a.get("iscrowd"))) for a in annotations]
    for annotation, is_crowd in sorted(
        drawn, key=lambda pair: not pair[1]
    ):  # stable: crowds first, then as in the file
        where = f"{file.path}: annotation {annotation.get('id')!r}"
        category = identity(annotation.get("category_id"))
        if category is None or category not in numbers:
            raise UsageError(f"{where} has a category that is not listed ({annotation.get('category_id')!r})")
        if is_crowd:
            notes.add(_CROWDS, image.name)
        try:
            _draw(canvas, annotation.get("segmentation"), IGNORE if is_crowd else numbers[category], size)
        except ValueError as error:
            raise UsageError(f"{where}: {error}") from None
    return canvas.mask


def _draw(canvas: Canvas, segmentation: Any, value: int, size: tuple[int, int]) -> None:
    if isinstance(segmentation, dict):
        sides = segmentation.get("size")
        height, width = (
            (side(sides[0]), side(sides[1])) if isinstance(sides, list) and len(sides) == 2 else (None, None)
        )
        if not isinstance(segmentation.get("counts"), list | str):
            raise ValueError("run lengths are missing")
        canvas.runs(segmentation["counts"], (height, width) if height and width else size, value)
        return
    if not isinstance(segmentation, list) or not segmentation:
        raise ValueError(
            "has no segmentation, and a box does not say which pixels belong to the object; annotate outlines"
        )
    for outline in _outlines(segmentation):  # parts of one object, hence a union
        canvas.outline(outline, value)


def _outlines(segmentation: list[Any]) -> list[list[Any]]:
    """Outlines as pairs, from any nesting: [[x, y, x, y, ...], ...], flat [x, y, ...], pairs [[x, y], ...], or lists of pairs."""
    if not any(isinstance(part, list) for part in segmentation):
        segmentation = [segmentation]
    elif len(segmentation) > 2 and all(_is_pair(part) for part in segmentation):
        return [segmentation]
    outlines = []
    for part in segmentation:
        if isinstance(part, list) and part and all(_is_pair(point) for point in part):
            outlines.append(part)
        elif not isinstance(part, list) or len(part) % 2 or any(isinstance(number, list) for number in part):
            raise ValueError("an outline must be a list of x, y, x, y, ...")
        else:
            outlines.append(list(zip(part[::2], part[1::2], strict=True)))
    return outlines


def _is_pair(part: Any) -> bool:
    return isinstance(part, list) and len(part) == 2 and not any(isinstance(number, list) for number in part)
