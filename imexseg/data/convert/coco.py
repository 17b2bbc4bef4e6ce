"""COCO: instances_*.json with polygons and run lengths. Class 0 is what no annotation covers.

Where annotations overlap, the later one in the file wins; crowds, whose outlines are rough, are ignored (255) and drawn first.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from imexseg.data.convert.shapes import polygon, runs
from imexseg.data.convert.target import Item, Plan, empty_mask, image_size, inside, read_text, split_in
from imexseg.data.description.labels import IGNORE
from imexseg.errors import UsageError


def convert_coco(source: Path, images: Path | None = None) -> Plan:
    """Args: source: one JSON file, or a folder with several (in it, in annotations/, or one in each split's folder).
    images: where the image files are; by default beside the JSON or in the usual folders.

    Raises: UsageError naming the file, the annotation and the remedy.
    """
    files = [source] if source.is_file() else sorted({*source.glob("*.json"), *source.glob("*/*.json")})
    files = [
        path
        for path in files
        if source.is_file() or not path.name.startswith(("captions", "person_keypoints", "panoptic"))
    ]
    if not files:
        raise UsageError(f"{source}: no JSON file here or in a folder below; give the annotation file")
    contents = {path: _read(path) for path in files}
    categories: dict[int, str] = {}
    for path, content in contents.items():
        for category in content["categories"]:
            number, name = category.get("id"), str(category.get("name"))
            if not isinstance(number, int) or categories.setdefault(number, name) != name:
                raise UsageError(
                    f"{path}: category {number!r} is {name!r} here and {categories.get(number)!r} elsewhere"
                )
    numbers, names = _classes(categories)
    items = []
    for path, content in contents.items():
        split = split_in(path.name) or split_in(path.parent.name) or "train"
        items += _items(path, content, split, _image_folder(path, content, split, source, images), numbers)
    return Plan(names, items)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not valid JSON ({str(error)[:100]})") from None
    for key in ("images", "annotations", "categories"):
        rows = content.get(key) if isinstance(content, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UsageError(f"{path}: has no list {key!r}; give a COCO file of instances")
    return content


def _classes(categories: dict[int, str]) -> tuple[dict[int, int], list[str]]:
    """Category id ↦ class number, names of the classes; a category called background is class 0."""
    names, numbers = ["background"], {}
    for number in sorted(categories):
        name = categories[number]
        if name.lower() == "background":
            numbers[number] = 0
        elif name in names:
            numbers[number] = names.index(name)
        else:
            numbers[number] = len(names)
            names.append(name)
    return numbers, names


def _image_folder(path: Path, content: dict[str, Any], split: str, source: Path, images: Path | None) -> Path:
    root = source if source.is_dir() else path.parent
    parents = [root, root.parent] if path.parent.name == "annotations" else [root]
    candidates = [path.parent, *(p / name for p in parents for name in ("images", "train", "val", "test"))]
    candidates += [p / "images" / split for p in parents] + [folder for p in parents for folder in p.glob(f"*{split}*")]
    if images is not None:
        candidates = [images / split, images]
    if not content["images"]:
        return candidates[-1]
    first = content["images"][0].get("file_name")
    for folder in candidates:
        if folder.is_dir() and inside(folder, first, path).is_file():
            return folder
    raise UsageError(
        f"{path}: {str(first)[:200]!r} is not in {candidates[0]} or the usual folders; say where with --images"
    )


def _items(path: Path, content: dict[str, Any], split: str, folder: Path, numbers: dict[int, int]) -> list[Item]:
    of_image: dict[Any, list[dict[str, Any]]] = {}
    known = {_id(image.get("id")) for image in content["images"]}
    for annotation in content["annotations"]:
        image_id = _id(annotation.get("image_id"))
        if image_id not in known:
            raise UsageError(
                f"{path}: annotation {annotation.get('id')!r} is of image {image_id!r}, which is not listed"
            )
        of_image.setdefault(image_id, []).append(annotation)
    items = []
    for image in content["images"]:
        file = inside(folder, image.get("file_name"), path)
        size = image_size(file)
        stated = (image.get("height"), image.get("width"))
        if None not in stated and stated != size:
            raise UsageError(
                f"{file}: is {size[1]} x {size[0]} px (upright), {path.name} says {stated[1]} x {stated[0]}; give the "
                "images that were annotated"
            )
        annotations = of_image.get(_id(image.get("id")), [])
        items.append(
            Item(
                split,
                str(Path(image["file_name"]).with_suffix("")).replace("/", "_"),
                file,
                file.suffix,
                partial(_mask, annotations, size, numbers, path),
            )
        )
    return items


def _id(value: Any) -> int | str:
    return value if isinstance(value, int | str) else str(value)


def _mask(annotations: list[dict[str, Any]], size: tuple[int, int], numbers: dict[int, int], path: Path) -> np.ndarray:
    mask = empty_mask(size)
    for annotation in sorted(
        annotations, key=lambda a: not a.get("iscrowd")
    ):  # stable: crowds first, then as in the file
        if annotation.get("category_id") not in numbers:
            raise UsageError(f"{path}: annotation {annotation.get('id')!r} has a category that is not listed")
        try:
            pixels = _pixels(annotation.get("segmentation"), size)
        except ValueError as error:
            raise UsageError(f"{path}: annotation {annotation.get('id')!r}: {error}") from None
        mask[pixels] = IGNORE if annotation.get("iscrowd") else numbers[annotation["category_id"]]
    return mask


def _pixels(segmentation: Any, size: tuple[int, int]) -> np.ndarray:
    if isinstance(segmentation, dict):
        stated = segmentation.get("size")
        if stated != list(size):
            raise ValueError(f"run lengths are for {stated} (height, width), the image is {list(size)}")
        counts = segmentation.get("counts")
        if not isinstance(counts, list | str):
            raise ValueError("run lengths are missing")
        return runs(counts, size)
    if not isinstance(segmentation, list) or not segmentation:
        raise ValueError("has no segmentation, a box alone says nothing of pixels; annotate outlines")
    pixels = np.zeros(size, dtype=bool)
    for outline in segmentation:  # parts of one object, hence a union
        if not isinstance(outline, list) or len(outline) % 2:
            raise ValueError("an outline must be a list of x, y, x, y, ...")
        pixels |= polygon(list(zip(outline[::2], outline[1::2], strict=True)), size)
    return pixels
