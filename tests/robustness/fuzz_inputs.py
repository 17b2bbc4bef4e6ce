"""Valid small files of every kind that the command line reads, and ways to damage them."""

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

HEIGHT, WIDTH = 24, 32
NASTY = [
    None,
    True,
    -1,
    0,
    1e308,
    10**30,
    float("nan"),
    "",
    "\x1b[2J\x07",
    "../../../etc/passwd",
    [],
    {},
    [[]],
    "NaN",
    "é" * 300,
]
NASTY_TEXT = [
    "nan",
    "-1",
    "1e999",
    "99999999999999999999",
    "null",
    "''",
    "[",
    "}",
    "\x00",
    "\x1b[31m",
    "&a [*a]",
    "!!python/object:os.system",
    "\t",
    "\u202e",
]


@dataclass(frozen=True)
class Kind:
    """make: writes valid files into a folder and returns the one to damage.  command: what is run on it."""

    make: Callable[[Path], Path]
    command: Callable[[Path, Path], list[str]]  # folder, damaged file ↦ arguments
    text: bool = False
    share: int = 4  # of every round of cases, how many are of this kind


def _pixels(seed: int = 0, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, channels), dtype=np.uint8)


def _mask() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[4:12, 5:20] = 1
    return mask


def _saved(path: Path, pixels: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)  # type: ignore[arg-type]
    return path


def _written(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def _image(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"in/photo{suffix}"
        if suffix == ".tif":
            path.parent.mkdir(parents=True)
            tifffile.imwrite(path, _pixels(channels=3), photometric="rgb", compression="zlib")
            return path
        if suffix == ".npy":
            path.parent.mkdir(parents=True)
            np.save(path, _pixels(channels=3))
            return path
        return _saved(path, _pixels())

    return make


def _data_set(folder: Path) -> Path:
    for split, seed in (("train", 0), ("val", 1)):
        _saved(folder / f"data/images/{split}/a.png", _pixels(seed))
        _saved(folder / f"data/masks/{split}/a.png", _mask())
    return _written(
        folder / "data/data.yaml", "names: [background, cell]\npalette: [[0, 0, 0], [255, 0, 0]]\nignore: [7]\n"
    )


def _masks(folder: Path) -> Path:
    _data_set(folder)
    return folder / "data/masks/train/a.png"


def _config(folder: Path) -> Path:
    _data_set(folder)
    return _written(
        folder / "config.yaml",
        "model: imex-lean\nepochs: 1\nbatch_size: 2\nlearning_rate: 0.01\nloss: cross-entropy+0.5*dice\n"
        "augmentation:\n- HorizontalFlip: {p: 0.5}\nnetwork: {width: 8, n_steps: 2, boundary: reflect}\n",
    )


def _coco(folder: Path) -> Path:
    _saved(folder / "src/images/a.jpg", _pixels())
    outline = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "segmentation": [[2, 2, 10, 2, 10, 10, 2, 10]]}
    runs = {
        "id": 2,
        "image_id": 1,
        "category_id": 1,
        "iscrowd": 1,
        "segmentation": {"size": [HEIGHT, WIDTH], "counts": [3, 5, HEIGHT * WIDTH - 8]},
    }
    images = [{"id": 1, "file_name": "a.jpg", "height": HEIGHT, "width": WIDTH}]
    content = {"images": images, "annotations": [outline, runs], "categories": [{"id": 1, "name": "cat"}]}
    return _written(folder / "src/annotations/instances_train.json", json.dumps(content))


def _labelme(folder: Path) -> Path:
    _saved(folder / "src/a.png", _pixels())
    shapes = [
        {"label": "x", "shape_type": "polygon", "points": [[2, 2], [12, 2], [12, 9]]},
        {"label": "y", "shape_type": "rectangle", "points": [[14, 4], [25, 15]]},
        {"label": "x", "shape_type": "circle", "points": [[20, 12], [23, 12]]},
    ]
    content = {
        "version": "5.2.1",
        "shapes": shapes,
        "imagePath": "a.png",
        "imageData": None,
        "imageHeight": HEIGHT,
        "imageWidth": WIDTH,
    }
    return _written(folder / "src/a.json", json.dumps(content))


def _yolo(folder: Path) -> Path:
    _saved(folder / "src/images/train/a.jpg", _pixels())
    _written(folder / "src/data.yaml", "names: [cell, nucleus]\n")
    return _written(folder / "src/labels/train/a.txt", "0 0.1 0.1 0.5 0.1 0.5 0.5\n1 0.6 0.6 0.9 0.6 0.9 0.9\n")


def _voc(folder: Path) -> Path:
    _saved(folder / "src/JPEGImages/a.jpg", _pixels())
    mask = Image.fromarray(_mask()).convert("P")
    mask.putpalette([0, 0, 0, 128, 0, 0] + [0] * 762)
    path = folder / "src/SegmentationClass/a.png"
    path.parent.mkdir(parents=True)
    mask.save(path)
    return _written(
        folder / "src/labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncell:128,0,0::\n"
    )


def _rgb(folder: Path) -> Path:
    _saved(folder / "src/images/a.png", _pixels())
    _saved(folder / "src/masks/a.png", np.array([(0, 0, 0), (255, 0, 0)], np.uint8)[_mask()])
    return _written(folder / "src/class_dict.csv", "name,r,g,b\nbackground,0,0,0\ncell,255,0,0\n")


def _copied(source: Path, name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target, dirs_exist_ok=True) if source.is_dir() else shutil.copyfile(source, target)
        return target

    return make


def kinds(weights: Path, exported: Path, run: Path) -> dict[str, Kind]:
    """Args: weights: a .safetensors file.  exported: an .onnx file.  run: a finished run folder on a data set of its own."""

    def predict(folder: Path, damaged: Path) -> list[str]:
        return ["predict", str(damaged), "--weights", str(weights), "--output", str(folder / "out")]

    def predict_with(folder: Path, damaged: Path) -> list[str]:
        image = _saved(folder / "photo.png", _pixels(channels=3))
        return ["predict", str(image), "--weights", str(damaged), "--output", str(folder / "out")]

    def check(folder: Path, damaged: Path) -> list[str]:
        return ["check", str(folder / "data")]

    def train(folder: Path, damaged: Path) -> list[str]:
        return ["train", str(folder / "data"), "--config", str(damaged), "--output", str(folder / "run")]

    def convert(name: str) -> Callable[[Path, Path], list[str]]:
        return lambda folder, damaged: [
            "convert",
            name,
            str(damaged if name == "coco" else folder / "src"),
            str(folder / "out"),
        ]

    def checkpoint(folder: Path) -> Path:
        shutil.copytree(run, folder / "run")
        return folder / "run/last.ckpt"

    def resume(folder: Path, damaged: Path) -> list[str]:
        return ["train", "--resume", str(folder / "run")]

    images = {
        f"image {suffix}": Kind(_image(suffix), predict)
        for suffix in (".png", ".jpg", ".tif", ".npy", ".webp", ".bmp", ".gif")
    }
    return images | {
        "mask": Kind(_masks, check, share=6),
        "data.yaml": Kind(_data_set, check, text=True, share=6),
        "config": Kind(_config, train, text=True, share=6),
        "weights": Kind(_copied(weights, "damaged.safetensors"), predict_with, share=6),
        "onnx": Kind(_copied(exported, "damaged.onnx"), predict_with, share=6),
        "last.ckpt": Kind(checkpoint, resume, share=2),
        "coco": Kind(_coco, convert("coco"), text=True),
        "labelme": Kind(_labelme, convert("labelme"), text=True),
        "yolo": Kind(_yolo, convert("yolo"), text=True),
        "voc": Kind(_voc, convert("voc"), text=True),
        "rgb": Kind(_rgb, convert("rgb"), text=True),
    }


def damage(path: Path, text: bool, rng: random.Random) -> str:
    """Change the file in place. Returns: what was done, in a word."""
    content = path.read_bytes()
    if text and path.suffix == ".json" and rng.random() < 0.6:
        path.write_text(json.dumps(_restructured(json.loads(content), rng)))
        return "restructured"
    names = [name for name in _BYTES if text or name != "token"]
    name = rng.choice(names + ["token"] * 4 if text else names)
    path.write_bytes(_BYTES[name](bytearray(content), rng))
    return name


def _restructured(content: object, rng: random.Random) -> object:
    """One value anywhere replaced, removed, or nested a thousand deep."""
    places: list[tuple[dict | list, object]] = []

    def walk(node: object) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            places.append((node, key))  # type: ignore[arg-type]
            walk(node[key])  # type: ignore[index]

    walk(content)
    node, key = rng.choice(places)
    choice = rng.random()
    if choice < 0.25:
        del node[key]  # type: ignore[arg-type]
    elif choice < 0.9:
        node[key] = rng.choice(NASTY)  # type: ignore[index]
    else:
        deep: object = 1
        for _ in range(500):
            deep = [deep]
        node[key] = deep  # type: ignore[index]
    return content


def _at(content: bytearray, rng: random.Random, longest: int = 64) -> tuple[int, int]:
    start = rng.randrange(len(content))
    return start, min(len(content), start + rng.randint(1, longest))


def _flip(content: bytearray, rng: random.Random) -> bytes:
    for _ in range(rng.randint(1, 8)):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


def _flip_early(content: bytearray, rng: random.Random) -> bytes:
    content[rng.randrange(min(64, len(content)))] = rng.randrange(256)
    return bytes(content)


def _cut(content: bytearray, rng: random.Random) -> bytes:
    return bytes(content[: rng.randrange(len(content))])


def _without(content: bytearray, rng: random.Random) -> bytes:
    start, end = _at(content, rng)
    return bytes(content[:start] + content[end:])


def _twice(content: bytearray, rng: random.Random) -> bytes:
    start, end = _at(content, rng)
    return bytes(content[:end] + content[start:])


def _zeros(content: bytearray, rng: random.Random) -> bytes:
    start, end = _at(content, rng)
    content[start:end] = bytes([rng.choice((0, 255))]) * (end - start)
    return bytes(content)


def _large_number(content: bytearray, rng: random.Random) -> bytes:
    start = rng.randrange(max(1, len(content) - 4))
    content[start : start + 4] = rng.choice((b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x01\x00\x00"))
    return bytes(content)


def _another_file(content: bytearray, rng: random.Random) -> bytes:
    return rng.choice(
        (b"", b"\0", b"PK\x03\x04", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"<html></html>", b"GIF89a", b"\x80\x04K\x01.")
    )


def _token(content: bytearray, rng: random.Random) -> bytes:
    """A word or number of a text replaced."""
    words = bytes(content).decode().split(" ")
    words[rng.randrange(len(words))] = rng.choice(NASTY_TEXT)
    encoding = rng.choice(("utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig"))
    return " ".join(words).encode(encoding, "replace")


_BYTES: dict[str, Callable[[bytearray, random.Random], bytes]] = {
    "flip": _flip,
    "early": _flip_early,
    "cut": _cut,
    "without": _without,
    "twice": _twice,
    "zeros": _zeros,
    "large": _large_number,
    "another": _another_file,
    "token": _token,
}
