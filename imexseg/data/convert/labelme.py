"""Labelme and X-AnyLabeling: a JSON file beside each image, with outlines, circles and bitmaps. The later shape wins.

`_background_` is class 0, `__ignore__` is ignored; the other labels are numbered as labels.txt lists them, else by the alphabet.
"""

import base64
import binascii
import io
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from imexseg.data.convert.canvas import Canvas, side
from imexseg.data.convert.json_file import read_json, written_by
from imexseg.data.convert.locate import Files, list_files, list_images
from imexseg.data.convert.notes import Notes
from imexseg.data.convert.numbers import Classes, is_background, number_names
from imexseg.data.convert.splits import split_in
from imexseg.data.convert.target import Item, Plan
from imexseg.data.description.labels import IGNORE
from imexseg.errors import UsageError
from imexseg.text import read_text

_IGNORED = "__ignore__"
_SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "BMP": ".bmp", "TIFF": ".tif", "GIF": ".gif", "WEBP": ".webp"}
_OUTLINES = ("polygon", "rotation", "quadrilateral", "rotated_rectangle")
_NO_AREA = ("line", "linestrip", "point", "points")
_ORIENTATION = 0x0112  # the EXIF tag; 5 to 8 exchange height and width
Size = tuple[int, int]


def convert_labelme(source: Path, images: Path | None = None) -> Plan:
    """Args: source: a folder; files in folders below named train, val or test belong to that split.  images: where the image
    files are, if not there.

    Raises: UsageError naming the file, the shape and the remedy.
    """
    notes = Notes()
    contents = _contents(source, notes)
    classes = _classes(source, contents, notes)
    root = images or source
    found = Files(root, list_images(root, notes))
    items: list[Item] = []
    labelled: dict[Path, Path] = {}
    for path, content in contents.items():
        image, suffix, embedded = _image(path, content, found, notes)
        if isinstance(image, Path) and labelled.setdefault(image, path) != path:
            raise UsageError(f"{path}: labels {image.name}, and so does {labelled[image].name}; keep one of the two")
        draw = partial(
            _mask,
            path,
            image if isinstance(image, Path) else path,
            content,
            _stated(path, content, embedded),
            classes,
            notes,
        )
        below = path.relative_to(source)
        split = split_in(*below.parts[:-1])
        if not content["shapes"]:
            notes.add("images without a shape, all background", path.name)
        items.append(Item(split or "train", "_".join(below.with_suffix("").parts), image, suffix, draw))
    notes.add_all("image files without a JSON file, left out", [path.name for path in found.left()])
    return Plan(classes.names, items, classes.rule, notes=notes)


def _contents(source: Path, notes: Notes) -> dict[Path, dict[str, Any]]:
    contents, others = {}, []
    for path in list_files(source, {".json"}, notes):
        content = read_json(path)
        if isinstance(content, dict) and isinstance(content.get("shapes"), list):
            contents[path] = content
            for shape in content["shapes"]:
                if not isinstance(shape, dict) or not _label(shape):
                    raise UsageError(f"{path}: has a shape without a label; label it in Labelme")
        else:
            others.append((path, written_by(content)))
    if not contents:
        known = next((f"; {path}: {tool}" for path, tool in others if tool), "")
        if not known and list_files(source, {".xml"}, notes):
            known = "; XML from CVAT or from LabelMe on the web is not supported: export as COCO there"
        raise UsageError(f"{source}: no Labelme files (.json with shapes) in this folder{known}")
    notes.add_all("JSON files that are not Labelme's, left out", [path.name for path, _ in others])
    return contents


def _label(shape: dict[str, Any]) -> str:
    label = shape.get("label")
    return str(label).strip() if isinstance(label, str | int) and not isinstance(label, bool) else ""


def _classes(source: Path, contents: dict[Path, dict[str, Any]], notes: Notes) -> Classes:
    used = sorted({_label(shape) for content in contents.values() for shape in content["shapes"]} - {_IGNORED})
    listed = source / "labels.txt"
    if not listed.is_file():
        return number_names(used, "counted in alphabetical order")
    names = [line.strip() for line in read_text(listed).splitlines() if line.strip() and line.strip() != _IGNORED]
    notes.add_all("labels that are used but not in labels.txt, added at its end", [n for n in used if n not in names])
    notes.add_all(
        "labels of labels.txt without a shape, kept as classes",
        [n for n in names if n not in used and not is_background(n)],
    )
    return number_names([*names, *used], "counted in the order of labels.txt")


def _image(
    path: Path, content: dict[str, Any], found: Files, notes: Notes
) -> tuple[Path | tuple[bytes, Path], str, Size | None]:
    """The image file that is named, or else the bytes that the JSON holds; and the size of those, if there are any."""
    data, size, suffix = content.get("imageData"), None, ""
    image = b""
    if isinstance(data, str) and data:
        try:
            image = base64.b64decode(data.partition("base64,")[2] or data)
            with Image.open(io.BytesIO(image)) as header:
                suffix = _SUFFIXES[header.format or ""]
                (width, height), turned = header.size, header.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
                size = (width, height) if turned else (height, width)
        except (binascii.Error, KeyError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            raise UsageError(f"{path}: the image in it (imageData) cannot be read; label the image again") from None
    name = content.get("imagePath")
    file = _beside(path, name, found) or found.find(name, path, None, notes) or _of_same_name(path, found, notes)
    if file is not None:
        return file, file.suffix, size
    if size is None:
        text = str(name)[:200]
        leads_out = isinstance(name, str) and (name.startswith(("/", "\\")) or ".." in PurePosixPath(name).parts)
        where = f"which is not inside {found.root}, nor" if leads_out else "is not there, nor"
        raise UsageError(f"{path}: its image {text!r} {where} in the file itself; put it beside {path.name}")
    notes.add("images taken from the JSON file (imageData)", path.name)
    return (image, path), suffix, size


def _beside(path: Path, name: object, found: Files) -> Path | None:
    """As the path is meant: from the folder of the JSON file, in which ../ may lead to a sibling."""
    if not isinstance(name, str) or not name:
        return None
    meant = _normal((path.parent / name.replace("\\", "/")).absolute())
    file = next((p for p in found.paths if p.name == Path(meant).name and _normal(p.absolute()) == meant), None)
    found.used.update({file} if file else ())
    return file


def _normal(path: Path) -> str:
    """Without the parts that lead up, links taken for folders."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return str(Path(*parts))


def _of_same_name(path: Path, found: Files, notes: Notes) -> Path | None:
    same = [image for image in found.paths if image.parent == path.parent and image.stem == path.stem]
    if len(same) != 1:
        return None
    found.used.add(same[0])
    notes.add("images found by the name of the JSON file, not by the name in it (imagePath)", same[0].name)
    return same[0]


def _stated(path: Path, content: dict[str, Any], embedded: Size | None) -> Size | None:
    """The size of the image when it was labelled. Raises: UsageError if the file says two things."""
    height, width = side(content.get("imageHeight")), side(content.get("imageWidth"))
    if not height or not width:
        return embedded
    if embedded and embedded != (height, width):
        raise UsageError(
            f"{path}: says {width} x {height} px, but the image in it (imageData) has {embedded[1]} x {embedded[0]}: it is "
            "unclear on which of them the shapes were drawn; save it again in Labelme"
        )
    return height, width


def _mask(
    path: Path, image: Path, content: dict[str, Any], stated: Size | None, classes: Classes, notes: Notes, size: Size
) -> np.ndarray:
    canvas = Canvas(size, stated, path, image, notes)
    points: Any
    for shape in content["shapes"]:
        kind, points, label = shape.get("shape_type") or "polygon", shape.get("points", []), _label(shape)
        value = IGNORE if label == _IGNORED else classes.numbers[label]
        where = f"{path}: the {str(kind)[:40]} of {label!r}"
        try:
            if kind == "mask":
                canvas.bitmap(_bitmap(shape.get("mask"), points, stated or size), value)
            elif kind == "rectangle" or kind in _OUTLINES:
                canvas.outline(points, value, "rectangle" if kind == "rectangle" else "polygon")
            elif kind == "circle":
                canvas.circle(points[0], points[1], value)
            elif kind in _NO_AREA:
                notes.add(f"shapes without an area ({kind}), left out", path.name)
            else:
                raise UsageError(
                    f"{where}: is a kind of shape that is not supported; draw polygons, rectangles, circles or masks"
                )
        except (TypeError, ValueError, IndexError, KeyError) as error:
            why = f" ({error})" if isinstance(error, ValueError) else ""
            raise UsageError(f"{where}: has points that do not form a shape{why}; correct it in Labelme") from None
    return canvas.mask


def _bitmap(data: Any, points: Any, stated: Size) -> np.ndarray:
    """A mask drawn with a brush or by a model: a PNG of its box, whose first corner is points[0]. Shapes: → (H, W) bool."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            inside = np.array(image.convert("L")) > 0
    except (binascii.Error, OSError, TypeError, SyntaxError, Image.DecompressionBombError):
        raise ValueError("its bitmap cannot be read") from None
    left, top = (round(float(number)) for number in points[0])
    whole = np.zeros(stated, dtype=bool)
    height, width = inside.shape
    if left < 0 or top < 0 or top + height > stated[0] or left + width > stated[1]:
        raise ValueError(f"its bitmap of {width} x {height} px at {left}, {top} leaves the image")
    whole[top : top + height, left : left + width] = inside
    return whole
