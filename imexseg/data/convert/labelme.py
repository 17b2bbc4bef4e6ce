"""Labelme: a JSON file beside each image, with polygons, rectangles and circles. The later shape wins.

`_background_` is class 0, `__ignore__` is ignored; all other labels are numbered in order of the alphabet.
"""

import base64
import binascii
import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imexseg.data.convert.shapes import circle, polygon
from imexseg.data.convert.target import Item, Plan, empty_mask, image_size, inside, read_text, split_in
from imexseg.data.description.labels import IGNORE
from imexseg.errors import UsageError

_BACKGROUND, _IGNORE = "_background_", "__ignore__"
_SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "BMP": ".bmp", "TIFF": ".tif", "GIF": ".gif", "WEBP": ".webp"}


def convert_labelme(source: Path) -> Plan:
    """Args: source: a folder; files in folders below named train, val or test belong to that split.

    Raises: UsageError naming the file, the shape and the remedy.
    """
    contents = {path: content for path in sorted(source.rglob("*.json")) if (content := _read(path)) is not None}
    if not contents:
        raise UsageError(f"{source}: no Labelme files (.json with shapes) in this folder")
    labels = {shape["label"] for content in contents.values() for shape in content["shapes"]}
    numbers = {label: i for i, label in enumerate(sorted(labels - {_BACKGROUND, _IGNORE}), start=1)}
    names = ["background", *(f"{label} (object)" if label == "background" else label for label in numbers)]
    classes = {**numbers, _BACKGROUND: 0, _IGNORE: IGNORE}
    items = []
    for path, content in contents.items():
        image, suffix, size = _image(path, content, source)
        below = path.relative_to(source)
        split = split_in(below.parts[0]) if len(below.parts) > 1 else None
        items.append(
            Item(
                split or "train",
                path.stem,
                image,
                suffix,
                partial(_mask, path, content["shapes"], size, classes),
            )
        )
    return Plan(names, items)


def _read(path: Path) -> dict[str, Any] | None:
    """None for JSON that is not Labelme's."""
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not valid JSON ({str(error)[:100]})") from None
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        return None
    for shape in content["shapes"]:
        if not isinstance(shape, dict) or not isinstance(shape.get("label"), str) or not shape["label"].strip():
            raise UsageError(f"{path}: has a shape without a label; name it in Labelme")
    return content


def _image(path: Path, content: dict[str, Any], source: Path) -> tuple[Path | bytes, str, tuple[int, int]]:
    """The image file that is named, or else the bytes that the JSON holds."""
    name = content.get("imagePath")
    if name:
        beside = path.parent / str(name).replace("\\", "/")
        file = inside(
            source, str(beside.resolve().relative_to(source.resolve())) if _below(beside, source) else name, path
        )
        if file.is_file():
            return file, file.suffix, image_size(file)
    data = content.get("imageData")
    if not isinstance(data, str):
        raise UsageError(
            f"{path}: its image {str(name)[:200]!r} is not there, nor in the file; put it beside {path.name}"
        )
    try:
        image = base64.b64decode(data, validate=False)
        with Image.open(io.BytesIO(image)) as header:
            (width, height), suffix = header.size, _SUFFIXES[header.format or ""]
            turned = header.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except (binascii.Error, KeyError, OSError, ValueError, Image.DecompressionBombError):
        raise UsageError(f"{path}: the image in it (imageData) cannot be read; put the file beside it") from None
    return image, suffix, (width, height) if turned else (height, width)


def _below(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError):
        return False


def _mask(path: Path, shapes: list[dict[str, Any]], size: tuple[int, int], classes: dict[str, int]) -> np.ndarray:
    mask = empty_mask(size)
    points: Any
    for shape in shapes:
        kind, points = shape.get("shape_type") or "polygon", shape.get("points", [])
        where = f"{path}: the {kind} of {shape['label']!r}"
        try:
            if kind == "polygon":
                pixels = polygon(points, size)
            elif kind == "rectangle":
                (x0, y0), (x1, y1) = points
                pixels = polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], size)
            elif kind == "circle":
                pixels = circle(points[0], points[1], size)
            else:
                raise UsageError(f"{where}: covers no pixels or is not read here; draw polygons, rectangles or circles")
        except (TypeError, ValueError, IndexError, KeyError):
            raise UsageError(f"{where}: has points that make no shape; correct it in Labelme") from None
        mask[pixels] = classes[shape["label"]]
    return mask
