"""Small inputs in the forms that tools write, and truth drawn by numpy, Pillow and pycocotools: never by the converters."""

import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_api

H, W = 20, 30
SQUARE = [2, 2, 10, 2, 10, 10, 2, 10]  # x, y, ...: rows and columns 2 to 9
BAR = [[12, 12], [25, 12], [25, 18], [12, 18]]
APPLE_DOUBLE = bytes.fromhex("0005160700020000") + b"Mac OS X        " + b"\xb0\xff" * 20
COLOURS = np.array([(0, 0, 0), (230, 25, 75), (60, 180, 75)], np.uint8)


@dataclass(frozen=True)
class Right:
    """masks: split/name ↦ (H, W).  names: number ↦ class.  says: what the summary must hold."""

    masks: dict[str, np.ndarray]
    names: dict[int, str] | None = None
    says: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """words: what the message must hold, the name of the file among it."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """kind: that of issue 12.  make: writes the input into a folder, → arguments after the format, and what must come out."""

    format: str
    kind: int
    make: Callable[[Path], tuple[list[Any], Right | Refused]]

    @property
    def name(self) -> str:
        return f"{self.format}-{self.kind}-{self.make.__name__}"


CASES: list[Case] = []


def case(format: str, kind: int) -> Callable:
    def add(make: Callable) -> Callable:
        CASES.append(Case(format, kind, make))
        return make

    return add


def box(top: int, left: int, bottom: int, right: int, value: int = 1, size: tuple[int, int] = (H, W)) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    mask[top:bottom, left:right] = value
    return mask


def square(value: int = 1) -> np.ndarray:
    return box(2, 2, 10, 10, value)


def bar(value: int = 1) -> np.ndarray:
    return box(12, 12, 18, 25, value)


def by_coco(*outlines: list[float], size: tuple[int, int] = (H, W)) -> np.ndarray:
    """As pycocotools' annToMask."""
    return coco_api.decode(coco_api.merge(coco_api.frPyObjects(list(outlines), *size)))


def put(path: Path, pixels: np.ndarray | None = None, **options: Any) -> Path:
    """An image; without pixels one of noise that its name decides."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if pixels is None:
        pixels = np.random.default_rng(sum(path.name.encode())).integers(0, 256, (H, W, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return path


def turned(path: Path, shape: tuple[int, int] = (W, H)) -> Path:
    """A photograph whose EXIF tag turns it by 90 degrees: stored (H, W) as given, upright the other way round."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return put(path, np.zeros((*shape, 3), np.uint8), exif=exif)


def text(path: Path, content: Any, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding=encoding)
    return path


def annotation(**other: Any) -> dict[str, Any]:
    return {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "segmentation": [SQUARE]} | other


def coco(path: Path, *annotations: dict[str, Any], categories: dict[Any, str] | None = None, **image: Any) -> Path:
    """One image, a.jpg, in images/ beside the folder of the JSON; other fields of it as given."""
    listed = [{"id": i, "name": name} for i, name in (categories or {1: "cat"}).items()]
    row = {"id": 1, "file_name": "a.jpg", "height": H, "width": W} | image
    put(path.parent.parent / "images/a.jpg")
    return text(path, {"images": [row], "annotations": list(annotations), "categories": listed})


def run_lengths(mask: np.ndarray) -> dict[str, Any]:
    """As CVAT writes what was drawn with a brush: not compressed."""
    flat = np.concatenate([[0], mask.T.ravel() > 0, [2]]).astype(int)
    ends = np.flatnonzero(np.diff(flat))
    return {"size": list(mask.shape), "counts": np.diff(np.concatenate([[0], ends])).tolist()}


def shape(label: Any = "x", kind: str = "polygon", points: Any = BAR, **other: Any) -> dict[str, Any]:
    return {"label": label, "shape_type": kind, "points": points, "flags": {}, "group_id": None} | other


def labelme(folder: Path, *shapes: dict[str, Any], stem: str = "a", encoding: str = "utf-8", **other: Any) -> Path:
    content = {"version": "5.2.1", "flags": {}, "shapes": list(shapes), "imagePath": f"{stem}.png", "imageData": None}
    content |= {"imageHeight": H, "imageWidth": W} | other
    if "imagePath" not in other and not content["imageData"]:
        put(folder / f"{stem}.png")
    return text(folder / f"{stem}.json", json.dumps(content, ensure_ascii=False), encoding)


def in_base64(image: Image.Image, kind: str = "PNG", **options: Any) -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def line(number: int = 0, outline: Any = SQUARE) -> str:
    xy = np.array(outline, dtype=float).reshape(-1, 2) / (W, H)
    return f"{number} " + " ".join(f"{v:.9f}" for v in xy.ravel()) + "\n"


def indexed(path: Path, mask: np.ndarray, palette: np.ndarray = COLOURS) -> Path:
    image = Image.fromarray(mask).convert("P")
    image.putpalette([*palette.ravel().tolist()] + [0] * (768 - palette.size))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path
