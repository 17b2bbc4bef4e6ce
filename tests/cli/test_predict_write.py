"""imexseg predict --write: files that other readers understand, that convert reads back, and that are never lost."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image
from pycocotools.coco import COCO

from imexseg.cli import main as command_line
from imexseg.inference import placed

NAMES = ["background", "white-white", "white-black", "black-black"]  # of the shipped weights
FORMATS = ["labelme", "coco", "yolo", "voc"]


def run(*arguments: object) -> int:
    return command_line.main([*map(str, arguments)])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Noise, of which the shipped network makes parts of all shapes; one image in a subfolder, one with transparent pixels."""
    folder = tmp_path / "photos"
    (folder / "day2").mkdir(parents=True)
    random = np.random.default_rng(2)
    for number, name in enumerate(("a.png", "b ü.png", "day2/c.png")):
        picture = cv2.GaussianBlur(random.integers(0, 256, (40, 56 + number)).astype(np.float32), (0, 0), 2)
        grey = np.clip((picture - 128) * 6 + 128, 0, 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / name)
    alpha = np.full((40, 56), 255, np.uint8)
    alpha[5:9, 10:30] = 0
    picture = Image.open(folder / "a.png").convert("L")
    picture.putalpha(Image.fromarray(alpha))
    picture.save(folder / "a.png")
    return folder


def masks_of(out: Path) -> dict[str, np.ndarray]:
    return {
        path.relative_to(out).as_posix().removesuffix("_mask.png"): np.asarray(Image.open(path))
        for path in sorted(out.rglob("*_mask.png"))
    }


def filled(line: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """By OpenCV, at a finer scale. Shapes: (n, 2) → (H, W) bool."""
    canvas = np.zeros((size[0] * 8, size[1] * 8), np.uint8)
    cv2.fillPoly(canvas, [np.round(line * 8).astype(np.int32)], 1)
    return canvas[4::8, 4::8] > 0


def read_labelme(out: Path, stem: str) -> np.ndarray:
    content = json.loads((out / f"labelme/{stem}.json").read_text())
    image = (out / f"labelme/{stem}.json").parent / content["imagePath"]
    with Image.open(image) as picture:
        size = (content["imageHeight"], content["imageWidth"])
        assert picture.size == size[::-1]
    mask = np.zeros(size, np.uint8)
    for shape in content["shapes"]:
        value = 255 if shape["label"] == "__ignore__" else NAMES.index(shape["label"])
        mask[filled(np.array(shape["points"]), size)] = value
    return mask


def read_yolo(out: Path, stem: str) -> np.ndarray:
    names = yaml.safe_load((out / "yolo/data.yaml").read_text())["names"]
    size = masks_of(out)[stem].shape
    mask = np.zeros(size, np.uint8)
    for line in (out / f"yolo/labels/{stem}.txt").read_text().splitlines():
        number, *numbers = line.split()
        corners = np.array(numbers, float).reshape(-1, 2) * size[::-1]
        mask[filled(corners, size)] = NAMES.index(names[int(number)])
    return mask


def read_coco(out: Path, stem: str) -> np.ndarray:
    coco = COCO(out / "coco/instances.json")
    (image,) = [image for image in coco.loadImgs(coco.getImgIds()) if image["file_name"] == f"{stem}.png"]
    mask = np.zeros((image["height"], image["width"]), np.uint8)
    for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]])):
        inside = coco.annToMask(annotation) > 0
        mask[inside] = NAMES.index(coco.loadCats([annotation["category_id"]])[0]["name"])
        assert inside.sum() == annotation["area"]
        rows, columns = np.nonzero(inside)
        x, y, width, height = annotation["bbox"]
        assert (x, y) == (columns.min(), rows.min())
        assert (x + width, y + height) == (columns.max() + 1, rows.max() + 1)
    return mask


def read_voc(out: Path, stem: str) -> np.ndarray:
    root = ElementTree.parse(out / f"voc/Annotations/{stem}.xml").getroot()
    with Image.open(out / f"voc/SegmentationClass/{stem}.png") as picture:
        assert picture.mode == "P"
        numbers, colours = np.asarray(picture), np.array(picture.getpalette()).reshape(-1, 3)
    assert [int(root.findtext(f"size/{side}", "")) for side in ("height", "width")] == list(numbers.shape)
    assert f"{root.findtext('folder')}/{root.findtext('filename')}".removeprefix("/") == f"{stem}.png"
    listed = dict(line.split(":")[:2] for line in (out / "voc/labelmap.txt").read_text().splitlines() if line[0] != "#")
    mask = np.full(numbers.shape, 255, np.uint8)
    for number, name in enumerate(NAMES):
        mask[(colours[numbers] == [int(value) for value in listed[name].split(",")]).all(axis=2)] = number
    for box in root.iter("object"):
        xmin, ymin, xmax, ymax = (int(box.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax"))
        inside = mask[ymin - 1 : ymax, xmin - 1 : xmax] == NAMES.index(box.findtext("name", ""))
        assert inside.any(axis=0).all()
        assert inside.any(axis=1).all()
    return mask


READERS: dict[str, Callable[[Path, str], np.ndarray]] = {
    "labelme": read_labelme,
    "coco": read_coco,
    "yolo": read_yolo,
    "voc": read_voc,
}


def without_void(form: str, mask: np.ndarray) -> np.ndarray:
    """As the format has it: two cannot say that a pixel means nothing."""
    return np.where(mask == 255, 0, mask) if form in ("coco", "yolo") else mask


def converted(form: str, out: Path, photos: Path, to: Path) -> dict[str, np.ndarray]:
    source = out / "coco/instances.json" if form == "coco" else out / form
    assert run("convert", form, source, to, "--images", photos) == 0
    names = yaml.safe_load((to / "data.yaml").read_text())["names"]
    numbers = names if isinstance(names, dict) else dict(enumerate(names))
    table = np.arange(256, dtype=np.uint8)
    for number, name in numbers.items():
        table[number] = NAMES.index(name)
    return {path.stem: table[np.asarray(Image.open(path))] for path in (to / "masks/train").iterdir()}


@pytest.mark.parametrize("form", FORMATS)
def test_other_readers_and_convert_find_the_mask_again(
    form: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out"
    assert run("predict", photos, "--output", out, "--write", form, "--tolerance", 0) == 0
    assert ("cannot say that a pixel means nothing" in capsys.readouterr().err) == (form in ("coco", "yolo"))
    masks = masks_of(out)
    assert len(masks) == 3
    assert (masks["a"] == 255).sum() == 4 * 20
    back = converted(form, out, photos, tmp_path / "back")
    for stem, mask in masks.items():
        assert np.array_equal(READERS[form](out, stem), without_void(form, mask))
        assert np.array_equal(back[stem.replace("/", "_")], without_void(form, mask))


def test_with_tolerance_little_changes_and_files_are_smaller(photos: Path, tmp_path: Path):
    assert run("predict", photos, "--output", tmp_path / "exact", "--write", "labelme,coco", "--tolerance", 0) == 0
    assert run("predict", photos, "--output", tmp_path / "near", "--write", "labelme", "--write", "coco,labelme") == 0
    for stem, mask in masks_of(tmp_path / "near").items():
        assert 0 < (read_labelme(tmp_path / "near", stem) != mask).mean() < 0.15
    for name in ("labelme/a.json", "coco/instances.json"):
        assert (tmp_path / "near" / name).stat().st_size < 0.8 * (tmp_path / "exact" / name).stat().st_size


def test_tiles_write_the_same_outlines_as_their_masks(photos: Path, tmp_path: Path):
    out = tmp_path / "out"
    arguments = ["--output", out, "--write", "coco,voc", "--tolerance", 0, "--tile", 64]
    assert run("predict", photos, *arguments) == 0
    for stem, mask in masks_of(out).items():
        assert np.array_equal(read_coco(out, stem), without_void("coco", mask))
        assert np.array_equal(read_voc(out, stem), mask)


def test_corrections_survive_and_the_rest_is_completed(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "out"
    assert run("predict", photos, "--output", out, "--write", "labelme") == 0
    corrected = out / "labelme/a.json"
    corrected.write_text("corrected by hand")
    (out / "labelme/b ü.json").unlink()
    before = time.time_ns()
    assert run("predict", photos, "--output", out, "--write", "labelme") == 2
    assert "a.json: exists, and may hold corrections; add --skip-existing" in capsys.readouterr().err
    assert not [path for path in out.rglob("*") if path.is_file() and path.stat().st_mtime_ns > before]
    assert run("predict", photos, "--output", out, "--write", "labelme,coco", "--skip-existing", "--tolerance", 0) == 0
    assert corrected.read_text() == "corrected by hand"
    masks = masks_of(out)
    assert np.array_equal(read_labelme(out, "b ü"), masks["b ü"])
    for stem, mask in masks.items():  # of masks from before, without the network
        assert np.array_equal(read_coco(out, stem), without_void("coco", mask))
    assert run("predict", photos, "--output", out, "--write", "coco", "--skip-existing") == 2
    assert "instances.json: exists, and may hold corrections; move it away" in capsys.readouterr().err


def test_images_that_fail_are_in_no_list(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (photos / "b ü.png").write_bytes(b"not an image")
    out = tmp_path / "out"
    assert run("predict", photos, "--output", out, "--write", "coco,yolo,voc") == 1
    assert "1 of 3 images failed" in capsys.readouterr().err
    coco = json.loads((out / "coco/instances.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == ["a.png", "day2/c.png"]
    assert len({annotation["id"] for annotation in coco["annotations"]}) == len(coco["annotations"])
    assert (out / "yolo/train.txt").read_text() == "./images/a.png\n./images/day2/c.png\n"
    assert (out / "voc/ImageSets/Segmentation/train.txt").read_text() == "a\nday2/c\n"


def test_an_interrupted_run_leaves_no_file_about_all_images(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "out"
    real = placed.predict_here

    def two_images(segment, jobs):
        for number, result in enumerate(real(segment, jobs)):
            if number == 2:
                raise KeyboardInterrupt
            yield result

    with monkeypatch.context() as patch:
        patch.setattr(placed, "predict_here", two_images)
        assert run("predict", photos, "--output", out, "--write", "coco,labelme") == 1
    assert not (out / "coco").exists()
    assert not (out / "labelme/labels.txt").exists()
    assert run("predict", photos, "--output", out, "--write", "coco,labelme", "--skip-existing") == 0
    assert len(json.loads((out / "coco/instances.json").read_text())["images"]) == 3
    assert sorted(path.name for path in (out / "labelme").rglob("*.json")) == ["a.json", "b ü.json", "c.json"]


def test_results_among_the_images_are_not_read_again(photos: Path, tmp_path: Path):
    assert run("predict", photos, "--output", photos / "out", "--write", "voc") == 0
    assert run("predict", photos, "--output", photos / "out", "--write", "voc", "--skip-existing") == 0
    assert len(masks_of(photos / "out")) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--write", "labelme,cocoa"], "'cocoa' is none of labelme, coco, yolo, voc"),
        (["--tolerance", "1"], "--tolerance: says how exact outlines are; add --write"),
        (["--write", "coco", "--tolerance", "-1"], "negative"),
    ],
)
def test_wrong_options(arguments: list[str], words: str, photos: Path, capsys: pytest.CaptureFixture[str]):
    try:
        code = run("predict", photos, "--output", photos / "out", *arguments)
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert words in capsys.readouterr().err
    assert not (photos / "out").exists()


def test_two_images_of_one_name(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    Image.open(photos / "a.png").convert("L").save(photos / "a.bmp")
    assert run("predict", photos, "--output", tmp_path / "out", "--write", "yolo") == 2
    assert "shares its name with another image, and yolo knows images by their names alone" in capsys.readouterr().err
    assert run("predict", photos, "--output", tmp_path / "out", "--write", "coco,labelme", "--tolerance", 0) == 0
    assert len(converted("coco", tmp_path / "out", photos, tmp_path / "coco")) == 4
    assert len(converted("labelme", tmp_path / "out", photos, tmp_path / "labelme")) == 4
