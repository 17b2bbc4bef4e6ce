"""Data sets of other tools: the pixels that their annotations mean, and every way in which they can be wrong."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_api

from imexseg.cli.main import main
from imexseg.data.check.scan import scan_split
from imexseg.data.description.data_yaml import load_description
from imexseg.data.read.mask_files import read_mask

SIZE = (20, 30)  # H, W


def put(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def image(path: Path, seed: int = 0) -> Path:
    return put(path, np.random.default_rng(seed).integers(0, 256, (*SIZE, 3)).astype(np.uint8))


def box(top: int, left: int, bottom: int, right: int, value: int = 1) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[top:bottom, left:right] = value
    return mask


def corners(top: int, left: int, bottom: int, right: int) -> list[tuple[int, int]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def lengths(mask: np.ndarray) -> list[int]:
    """COCO's run lengths, beginning with a run of 0."""
    flat = np.concatenate([[0], mask.T.ravel(), [2]])
    ends = np.flatnonzero(np.diff(flat.astype(int)))
    return np.diff(np.concatenate([[0], ends])).tolist()


def compressed(mask: np.ndarray) -> str:
    return coco_api.encode(np.asfortranarray(mask))["counts"].decode()


def coco(root: Path) -> Path:
    """Two images; an outline, a later one over it, a crowd below both, run lengths of both kinds."""
    image(root / "images/a.jpg"), image(root / "images/b.jpg", 1)
    rle = {"size": list(SIZE), "counts": lengths(box(5, 5, 9, 9))}
    short = {"size": list(SIZE), "counts": compressed(box(10, 0, 12, 30))}
    flat = [[float(v) for point in corners(2, 3, 7, 11) for v in point]]
    content = {
        "images": [
            {"id": 7, "file_name": "a.jpg", "height": 20, "width": 30},
            {"id": 8, "file_name": "b.jpg", "height": 20, "width": 30},
        ],
        "categories": [{"id": 90, "name": "dog"}, {"id": 3, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "segmentation": flat, "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 90, "segmentation": rle, "iscrowd": 0},
            {"id": 3, "image_id": 7, "category_id": 90, "segmentation": short, "iscrowd": 1},
        ],
    }
    path = root / "annotations/instances.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def yolo(root: Path) -> Path:
    for split, seed in (("train", 0), ("val", 1)):
        image(root / f"images/{split}/a.png", seed)
    words = " ".join(f"{x / 30} {y / 20}" for x, y in corners(2, 3, 7, 11))
    label = root / "labels/train/a.txt"
    label.parent.mkdir(parents=True)
    label.write_text(f"1 {words}\n\n")
    (root / "labels/val").mkdir()  # no labels, on purpose
    (root / "data.yaml").write_text("train: ../elsewhere\nnames: {0: cat, 1: dog}\nnc: 2\n")
    return root


def labelme(root: Path) -> Path:
    image(root / "a.jpg")
    shapes = [
        {"label": "dog", "shape_type": "rectangle", "points": [[11, 7], [3, 2]]},
        {"label": "cat", "shape_type": "polygon", "points": corners(5, 5, 9, 9)},
        {"label": "__ignore__", "shape_type": "circle", "points": [[25, 10], [25, 12]]},
    ]
    (root / "a.json").write_text(json.dumps({"shapes": shapes, "imagePath": "a.jpg", "imageData": None}))
    data = base64.b64encode(image(root.parent / "other.jpg", 5).read_bytes()).decode()
    (root / "b.json").write_text(json.dumps({"shapes": shapes[1:2], "imagePath": "gone.jpg", "imageData": data}))
    return root


def voc(root: Path) -> Path:
    for stem, split in (("x", "train"), ("y", "val")):
        image(root / f"JPEGImages/{stem}.jpg", ord(stem))
        mask = Image.fromarray(box(2, 3, 7, 11, 15) + box(0, 0, 1, 30, 255)).convert("P")
        mask.putpalette([5, 6, 7] * 256)
        (root / "SegmentationClass").mkdir(exist_ok=True)
        mask.save(root / f"SegmentationClass/{stem}.png")
        lists = root / "ImageSets/Segmentation"
        lists.mkdir(parents=True, exist_ok=True)
        (lists / f"{split}.txt").write_text(f"{stem}\n")
    return root


def rgb(root: Path) -> Path:
    colours = np.array([(0, 0, 0), (64, 0, 128)], np.uint8)
    for stem in ("x", "y"):
        image(root / f"images/{stem}.jpg", ord(stem))
        put(root / f"masks/{stem}.png", colours[box(2, 3, 7, 11)])
    (root / "class_dict.csv").write_text("name,r,g,b\nVoid thing,0,0,0\nCar,64,0,128\n")
    return root


def convert(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = main(["convert", *map(str, arguments)])
    err = capsys.readouterr().err
    assert "Traceback" not in err
    return code, err


def test_every_format_becomes_a_data_set_that_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    over = box(2, 3, 7, 11)
    over[10:12] = 255
    over[5:9, 5:9] = 90
    over[2:7, 3:11][over[2:7, 3:11] == 1] = 3
    shaped = box(2, 3, 7, 11, 2)
    shaped[5:9, 5:9] = 1
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    shaped[(x - 25) ** 2 + (y - 10) ** 2 <= 4] = 255
    wanted = {
        coco: (["background", "cat", "dog"], "train/a", over),
        yolo: (["background", "cat", "dog"], "train/a", box(2, 3, 7, 11, 2)),
        labelme: (["background", "cat", "dog"], "train/a", shaped),
        voc: (None, "train/x", box(2, 3, 7, 11, 15) + box(0, 0, 1, 30, 255)),
        rgb: (["Void thing", "Car"], "train/y", box(2, 3, 7, 11)),
    }
    for make, (names, mask, pixels) in wanted.items():
        kind = make.__name__
        root = tmp_path / kind
        root.mkdir()
        source = make(root)
        before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
        out = tmp_path / f"{kind}-out"
        code, err = convert(capsys, kind, source, out)
        assert code == 0, err
        assert before == {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
        description = load_description(out)
        assert names is None or description.names == names
        assert np.array_equal(read_mask(out / f"masks/{mask}.png"), pixels), kind
        assert scan_split(description, "train").class_pixels.sum() > 0
        assert scan_split(description, "val").pairs
        assert sorted(tmp_path.glob(".*")) == []
        assert convert(capsys, kind, source, out)[0] == 2  # never over what is there


def edited(path: Path, **changes: object) -> None:
    content = json.loads(path.read_text())
    for key, value in changes.items():
        rows, _, field = key.partition("__")
        content[rows][0][field] = value
    path.write_text(json.dumps(content))


COCO_MISTAKES = {
    "which is not inside": {"images__file_name": "../../secret.png"},
    "is not inside": {"images__file_name": "/etc/passwd"},
    "is not in ": {"images__file_name": "c.jpg"},
    "is 30 x 20 px .upright., instances.json says 31 x 20": {"images__width": 31},
    "belongs to image 99, which is not listed": {"annotations__image_id": 99},
    "has a category that is not listed": {"annotations__category_id": 99},
    "annotation 1: an outline needs at least three points": {"annotations__segmentation": [[1, 2, 3, 4]]},
    "annotation 1: an outline must be a list of x, y": {"annotations__segmentation": [[1, 2, 3, 4, 5]]},
    "annotation 1: an outline must be pairs of numbers": {"annotations__segmentation": [["a"] * 6]},
    "annotation 1: has no segmentation": {"annotations__segmentation": []},
    "the image is .20, 30.": {"annotations__segmentation": {"size": [3, 3], "counts": [9]}},
    "run lengths add up to 9 pixels": {"annotations__segmentation": {"size": [20, 30], "counts": [9]}},
}


@pytest.mark.parametrize("message", COCO_MISTAKES)
def test_mistakes_in_coco_are_explained(message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = coco(tmp_path)
    edited(path, **COCO_MISTAKES[message])
    code, err = convert(capsys, "coco", path, tmp_path / "../coco-out")
    assert code == 2
    assert re.search(message, err), err
    assert not (tmp_path / "../coco-out").exists()


def test_mistakes_in_the_other_formats_are_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "y").mkdir(), (tmp_path / "l").mkdir(), (tmp_path / "v").mkdir(), (tmp_path / "r").mkdir()
    label = yolo(tmp_path / "y") / "labels/train/a.txt"
    note = labelme(tmp_path / "l") / "b.json"
    lists = voc(tmp_path / "v") / "ImageSets/Segmentation/train.txt"
    colours = rgb(tmp_path / "r") / "class_dict.csv"
    image(tmp_path / "l/c.jpg")
    shape = {"label": "cat", "shape_type": "cuboid", "points": [[1, 2], [3, 4]]}
    cases = [
        ("yolo", label, "7 0 0 1 0 1 1", "line 1: class 7 has no name"),
        ("yolo", label, "1 0.5 0.5 0.2 0.2", "line 1: is a box"),
        ("yolo", label, "1 0 0 30 0 1 1", "coordinates outside 0 to 1"),
        ("yolo", label, "cat 0 0 1 0 1 1", "expected `class x y"),
        ("labelme", note, json.dumps({"shapes": [], "imagePath": "../../etc/x.png"}), "which is not inside"),
        ("labelme", note, json.dumps({"shapes": [], "imagePath": "gone.jpg"}), "put it beside b.json"),
        (
            "labelme",
            note,
            json.dumps({"shapes": [shape], "imagePath": "c.jpg"}),
            "draw polygons, rectangles, circles or masks",
        ),
        ("labelme", note, "{", "is not valid JSON"),
        ("voc", lists, "../../x\n", "which is not inside"),
        ("voc", lists, "z\n", "image or mask is missing"),
        ("rgb", colours, "Void,0,0,0\nCar,64,0,129\n", "masks/x.png: has the colours [64, 0, 128] in 40 pixels"),
        ("rgb", colours, "Void,0,0,0\nCar,64,0,999\n", "line 2 is not three numbers"),
    ]
    for kind, file, text, message in cases:
        before = file.read_text()
        file.write_text(text)
        code, err = convert(capsys, kind, tmp_path / kind[0], tmp_path / "out")
        file.write_text(before)
        assert code == 2
        assert message in err
        assert not (tmp_path / "out").exists()
    assert "is inside" in convert(capsys, "voc", tmp_path / "v", tmp_path / "v/out")[1]
