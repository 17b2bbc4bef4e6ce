"""Masks as programs store them and folders as people keep them: format × situation × what must come out.

Truth is the array that was drawn; Pillow, tifffile and numpy write it, and the way back is ours.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml
from PIL import Image

from imexseg.cli.inputs import find_images, unique_stems
from imexseg.cli.main import main
from imexseg.data.check.report import check_dataset
from imexseg.data.description.data_yaml import load_description
from imexseg.data.pairs.pairs import list_pairs
from imexseg.data.read.masks import read_classes
from imexseg.errors import UsageError

TRUTH = np.zeros((20, 30), np.uint8)
TRUTH[2:8, 3:9], TRUTH[10:18, 10:25] = 1, 2
PALETTE = [[0, 0, 0], [230, 25, 75], [60, 180, 75]]
COLOURED = np.array(PALETTE, np.uint8)[TRUTH]
IMAGE = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
NAMES = ["background", "cell", "nucleus"]
WITH_PALETTE = {"names": NAMES, "palette": PALETTE}
WITHOUT = {"names": NAMES}
BLACK_AND_WHITE = {"names": ["background", "cell"], "palette": [[0, 0, 0], [255, 255, 255]]}
CELL = (TRUTH == 1).astype(np.uint8)


def indexed(numbers: np.ndarray, colours: list, **options: object) -> Image.Image:
    image = Image.fromarray(numbers).convert("P")
    image.putpalette([value for colour in colours for value in colour])
    image.info.update(options)
    return image


def with_alpha(colours: np.ndarray, alpha: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([colours, alpha]))


def smoothed() -> Image.Image:
    return Image.fromarray(COLOURED).resize((60, 40), Image.Resampling.BILINEAR).resize((30, 20), Image.Resampling.BOX)


def tiff(pixels: np.ndarray, **options: object) -> Callable[[Path], None]:
    return lambda path: tifffile.imwrite(path, pixels, **options)


def webp(**options: object) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(COLOURED).save(path, **options)


def png_with_gamma(path: Path) -> None:
    import struct
    import zlib

    Image.fromarray(COLOURED).save(path)
    content, gamma = path.read_bytes(), b"gAMA" + struct.pack(">I", 100_000)
    path.write_bytes(content[:33] + struct.pack(">I", 4) + gamma + struct.pack(">I", zlib.crc32(gamma)) + content[33:])


def deep_colours(path: Path) -> None:
    import cv2

    cv2.imwrite(str(path), COLOURED[..., ::-1].astype(np.uint16) * 257)


OPAQUE, HALF = np.full((20, 30), 255, np.uint8), np.full((20, 30), 255, np.uint8)
HALF[0] = 100
ANY_ORDER = [PALETTE[2], [1, 2, 3], PALETTE[0], PALETTE[1]]  # index 0 is the nucleus
PERMUTED = np.array([2, 3, 0], np.uint8)[TRUTH]
VOC_COLOURS = [[0, 0, 0], [128, 0, 0], [0, 128, 0]]
GREYS = [[v, v, v] for v in range(256)]
LUT = np.zeros((3, 256), np.uint16)
LUT[:, :4] = np.array(ANY_ORDER).T * 257
GAPS = {"names": {0: "background", 7: "cell", 26: "nucleus"}}
IN_GAPS = np.array([0, 7, 26], np.uint8)[TRUTH]

# situation ↦ (suffix, what is stored, data.yaml, truth or the words of the refusal, words of the warning)
Row = tuple[str, object, dict, object, str]
ROWS: dict[str, Row] = {
    "pngquant orders the palette anew": (".png", indexed(PERMUTED, ANY_ORDER), WITH_PALETTE, TRUTH, ""),
    "GIMP keeps the order of the palette": (".png", indexed(TRUTH, PALETTE), WITH_PALETTE, TRUTH, ""),
    "indices and colours that both mean something": (
        ".png",
        indexed(np.array([1, 2, 0], np.uint8)[TRUTH], [PALETTE[2], PALETTE[0], PALETTE[1]]),
        WITH_PALETTE,
        TRUTH,
        "the colours are used",
    ),
    "the same, with the indices asked for": (
        ".png",
        indexed(TRUTH, [PALETTE[2], PALETTE[0], PALETTE[1]]),
        {**WITH_PALETTE, "masks_hold": "numbers"},
        TRUTH,
        "",
    ),
    "VOC, no colours in data.yaml": (".png", indexed(TRUTH, VOC_COLOURS), WITHOUT, TRUTH, ""),
    "VOC, other colours in data.yaml": (".png", indexed(TRUTH, VOC_COLOURS), WITH_PALETTE, TRUTH, "its indices"),
    "an indexed mask with smoothed edges": (".png", smoothed().quantize(16), WITH_PALETTE, "nearest: ", ""),
    "smoothed edges": (".png", smoothed(), WITH_PALETTE, "smoothed edges or traces of JPEG", ""),
    "one colour that is not declared": (
        ".png",
        np.where((TRUTH == 1)[..., None], np.uint8(9), COLOURED),
        WITH_PALETTE,
        r"\[9, 9, 9\] in 36 pixels \(nearest: background \[0, 0, 0\]\)",
        "",
    ),
    "black and white, white declared": (".png", CELL * 255, BLACK_AND_WHITE, CELL, "the colours are used"),
    "black and white in one bit": (".png", Image.fromarray(CELL * 255).convert("1"), BLACK_AND_WHITE, CELL, ""),
    "white is the first class": (
        ".png",
        Image.fromarray(CELL * 255).convert("1"),
        {**BLACK_AND_WHITE, "palette": [[255, 255, 255], [0, 0, 0]]},
        1 - CELL,
        "the colours are used",
    ),
    "one bit, no colours": (".png", Image.fromarray(CELL * 255).convert("1"), {"names": ["a", "b"]}, CELL, ""),
    "one bit where 255 is the name": (
        ".png",
        Image.fromarray(CELL * 255).convert("1"),
        {"names": {0: "a", 255: "b"}},
        CELL,
        "are read as class numbers",
    ),
    "class numbers, colours for the eye": (".png", TRUTH, WITH_PALETTE, TRUTH, ""),
    "class numbers with 255, black and white for the eye": (
        ".png",
        np.where(TRUTH == 2, 255, TRUTH).astype(np.uint8),
        BLACK_AND_WHITE,
        np.where(TRUTH == 2, 255, TRUTH),
        "",
    ),
    "Photoshop, opaque": (".png", with_alpha(COLOURED, OPAQUE), WITH_PALETTE, TRUTH, ""),
    "Photoshop, nothing where there is background": (
        ".png",
        with_alpha(COLOURED, np.where(TRUTH == 0, 0, 255).astype(np.uint8)),
        WITH_PALETTE,
        TRUTH,
        "444 transparent pixels",
    ),
    "transparent pixels that hide two classes": (
        ".png",
        with_alpha(COLOURED, np.where(TRUTH == 1, 255, 0).astype(np.uint8)),
        WITH_PALETTE,
        "cover 2 colours",
        "",
    ),
    "half transparent pixels": (
        ".png",
        with_alpha(COLOURED, HALF),
        WITH_PALETTE,
        "30 pixels are partly transparent",
        "",
    ),
    "an overlay, equally transparent all over": (".png", with_alpha(COLOURED, OPAQUE // 2), WITH_PALETTE, TRUTH, ""),
    "a transparent index": (
        ".png",
        indexed(TRUTH, PALETTE, transparency=0),
        WITH_PALETTE,
        TRUTH,
        "transparent pixels",
    ),
    "grey with alpha": (".png", with_alpha(TRUTH[..., None], OPAQUE), WITHOUT, TRUTH, ""),
    "three equal channels": (".png", np.dstack([TRUTH] * 3), WITHOUT, TRUTH, "three equal channels"),
    "colours that nobody declared": (".png", COLOURED, WITHOUT, "give the colours in data.yaml", ""),
    "sixteen bits": (".png", TRUTH.astype(np.uint16), WITHOUT, TRUTH, ""),
    "sixteen bits of larger numbers": (
        ".png",
        TRUTH.astype(np.uint16) * 300,
        WITHOUT,
        "0 to 255, found 300, 600 in 156",
        "",
    ),
    "colours of sixteen bits": (".png", deep_colours, WITH_PALETTE, TRUTH, ""),
    "a gamma": (".png", png_with_gamma, WITH_PALETTE, TRUTH, ""),
    "whole numbers as floats": (".tif", tiff(TRUTH.astype(np.float32)), WITHOUT, TRUTH, ""),
    "probabilities": (".tif", tiff(TRUTH.astype(np.float32) / 3), WITHOUT, "0.333333, 0.666667 in 156 pixels", ""),
    "not a number": (".tif", tiff(np.where(TRUTH == 1, np.nan, TRUTH).astype(np.float32)), WITHOUT, "found nan", ""),
    "negative numbers": (".tif", tiff(TRUTH.astype(np.int16) - 1), WITHOUT, "found -1 in 444 pixels", ""),
    "64 bits": (".tif", tiff(TRUTH.astype(np.int64)), WITHOUT, TRUTH, ""),
    "compressed tiles": (".tif", tiff(TRUTH, tile=(16, 16), compression="zlib"), WITHOUT, TRUTH, ""),
    "an ImageJ stack": (".tif", tiff(np.stack([TRUTH] * 3), imagej=True), WITHOUT, "has 3 pages", ""),
    "an ImageJ LUT": (".tif", tiff(PERMUTED, photometric="palette", colormap=LUT), WITH_PALETTE, TRUTH, ""),
    "lossless WebP": (".webp", webp(lossless=True), WITH_PALETTE, TRUTH, ""),
    "lossy WebP": (".webp", webp(quality=95), WITH_PALETTE, "lossy WebP changes values", ""),
    "a bitmap": (".bmp", TRUTH, WITHOUT, TRUTH, ""),
    "a GIF": (".gif", indexed(TRUTH, PALETTE), WITH_PALETTE, TRUTH, ""),
    "an array of 64 bits": (".npy", TRUTH.astype(np.int64), WITHOUT, TRUTH, ""),
    "names in any order": (".png", TRUTH, {"names": dict(zip([2, 0, 1], "cab", strict=True))}, TRUTH, ""),
    "numbers with gaps": (".png", IN_GAPS, GAPS, TRUTH, ""),
    "grey levels in a palette, as optimisers write them": (
        ".png",
        indexed(TRUTH, [[0] * 3, [7] * 3, [26] * 3]),
        GAPS,
        TRUTH,
        "are read as class numbers",
    ),
    "grey levels and indices in doubt": (
        ".png",
        indexed(TRUTH, [[0] * 3, [2] * 3, [1] * 3]),
        WITHOUT,
        "both are class numbers",
        "",
    ),
    "a grey palette that is none": (".png", indexed(TRUTH, GREYS), WITHOUT, TRUTH, ""),
}


def put(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if callable(content):
        content(path)
    elif isinstance(content, Image.Image):
        content.save(path, **{name: content.info[name] for name in ("transparency",) if name in content.info})
    elif path.suffix == ".npy":
        np.save(path, content)
    else:
        Image.fromarray(np.squeeze(content)).save(path)


def describe(root: Path, **content: object) -> None:
    (root / "data.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


@pytest.mark.parametrize("situation", ROWS)
def test_a_mask_means_what_was_drawn_or_is_refused(situation: str, tmp_path: Path):
    suffix, stored, description, expected, warning = ROWS[situation]
    put(tmp_path / "images/train/a.png", IMAGE)
    put(tmp_path / f"masks/train/a{suffix}", stored)
    describe(tmp_path, **description)
    report = check_dataset(load_description(tmp_path), ["train"])
    (pair,) = list_pairs(report.description, "train")
    if isinstance(expected, str):
        with pytest.raises(UsageError, match=expected) as caught:
            read_classes(pair)
        assert str(caught.value).startswith(str(pair.mask))
        assert len(report.errors) == 1
        return
    assert read_classes(pair).tolist() == np.asarray(expected).tolist()
    assert [error.text for error in report.errors] == []
    said = [problem.text for problem in report.warnings if str(pair.mask) in problem.text]
    assert (len(said) == 1 and warning in said[0]) if warning else said == []


def test_masks_of_two_meanings_are_refused(tmp_path: Path):
    """All black is class 2 by its colour and 0 by its number; its neighbours have numbers that are no colours."""
    for number, mask in enumerate([TRUTH, np.zeros_like(TRUTH)]):
        put(tmp_path / f"images/train/{number}.png", IMAGE + np.uint8(number))
        put(tmp_path / f"masks/train/{number}.png", mask)
    palette = [PALETTE[1], PALETTE[2], PALETTE[0]]
    describe(tmp_path, names=NAMES, palette=palette)
    (error,) = check_dataset(load_description(tmp_path), ["train"]).errors
    assert "1.png: can be read by its colours or by its numbers" in error.text
    describe(tmp_path, names=NAMES, palette=palette, masks_hold="numbers")
    report = check_dataset(load_description(tmp_path), ["train"])
    assert report.errors == []
    assert report.splits["train"].class_pixels.tolist() == [444 + 600, 36, 120]


def test_masks_of_0_and_1_beside_masks_of_0_and_255(tmp_path: Path):
    for number, mask in enumerate([CELL, CELL * 255]):
        put(tmp_path / f"images/train/{number}.png", IMAGE + np.uint8(number))
        put(tmp_path / f"masks/train/{number}.png", mask)
    describe(tmp_path, names=["background", "cell"])
    warnings = [problem.text for problem in check_dataset(load_description(tmp_path), ["train"]).warnings]
    assert any("1.png: holds only 0 and 255, others have 1 for 'cell'" in text for text in warnings)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for split, shift in (("train", 0), ("val", 1)):
        put(tmp_path / f"images/{split}/a.png", IMAGE + np.uint8(shift))
        put(tmp_path / f"masks/{split}/a.png", TRUTH)
    describe(tmp_path, names=NAMES)
    return tmp_path


def decomposed(data: Path) -> None:
    put(data / "images/train/caf\u00e9.png", IMAGE + np.uint8(2))
    put(data / "masks/train/cafe\u0301.png", TRUTH)


def linked(data: Path) -> None:
    put(data / "store/images/x.png", IMAGE + np.uint8(2))
    put(data / "store/masks/x.png", TRUTH)
    for kind in ("images", "masks"):
        os.symlink(data / "store" / kind, data / kind / "train/more")
        os.symlink(data / kind, data / kind / "train/loop")


def pair_at(name: str) -> Callable[[Path], None]:
    def make(data: Path) -> None:
        put(data / f"images/{name}", IMAGE + np.uint8(2))
        put((data / f"masks/{name}").with_suffix(".png"), TRUTH)

    return make


# situation ↦ (what is done to the folder, pairs of train, words of the warning, words of the error)
FOLDERS: dict[str, tuple[Callable[[Path], object], int, str, str]] = {
    "subfolders": (pair_at("train/day 2/a.png"), 2, "", ""),
    "a camera's capitals": (pair_at("train/DSC1.JPG"), 2, "", ""),
    "names in two Unicode forms": (decomposed, 2, "", ""),
    "links and loops": (linked, 2, "1 folder not read", ""),
    "a broken link": (lambda data: os.symlink("gone.png", data / "images/train/b.png"), 1, "1 broken link", ""),
    "macOS": (lambda data: put(data / "images/train/._a.png", CELL), 1, "1 hidden or system file", ""),
    "Jupyter": (
        lambda data: put(data / "masks/train/.ipynb_checkpoints/a.png", CELL),
        1,
        "1 hidden or system file",
        "",
    ),
    "Synology": (lambda data: put(data / "images/train/@eaDir/a.png", CELL), 1, "1 hidden or system file", ""),
    "raw files": (
        lambda data: (data / "images/train/a.CR2").write_text(""),
        1,
        "1 other file not read (1 with .cr2)",
        "",
    ),
    "valid for val": (pair_at("valid/a.png"), 1, "valid: 1 files not read; name the folder", ""),
    "files beside the splits": (pair_at("b.png"), 1, "1 files beside the folders of the splits", ""),
    "masks of a split without images": (
        lambda data: put(data / "masks/test/a.png", TRUTH),
        1,
        "masks/test: not read, since there is no",
        "",
    ),
    "a mask in JPEG": (
        lambda data: [put(data / f"{kind}/train/b.jpg", IMAGE) for kind in ("images", "masks")],
        1,
        "1 other file not read (1 with .jpg)",
        "b.jpg: no mask",
    ),
}


@pytest.mark.parametrize("situation", FOLDERS)
def test_all_that_lies_in_a_folder_is_read_or_named(situation: str, data: Path):
    change, n_pairs, warning, error = FOLDERS[situation]
    change(data)
    report = check_dataset(load_description(data), ["train", "val"])
    assert len(report.splits["train"].pairs) == n_pairs
    for word, problems in ((warning, report.warnings), (error, report.errors)):
        texts = [problem.text for problem in problems if problem.kind != "images in two splits"]
        assert any(word in text for text in texts) if word else texts == [], texts


@pytest.mark.parametrize(
    ("content", "converter"),
    [
        ("path: ../data\ntrain: images/train\nval: images/val\nnames: {0: cell}\n", "imexseg convert yolo"),
        ("train: ../train/images\nnc: 2\nnames: ['a', 'b']\n", "imexseg convert yolo"),
        ("{images: [], annotations: [], categories: []}", "imexseg convert coco"),
        ("{version: 5.0.1, shapes: [], imagePath: a.png}", "imexseg convert labelme"),
    ],
)
def test_files_of_other_programs_are_called_by_their_names(content: str, converter: str, data: Path, capsys):
    (data / "data.yaml").write_text(content)
    for command in (["check", str(data)], ["train", str(data), "--output", str(data / "run")]):
        assert main(command) == 2
        assert converter in capsys.readouterr().err
    assert not (data / "run").exists()


def test_a_split_is_a_word_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """latest_masks, medieval and contest hold no split; trainannot and val-masks do."""
    for number in range(4):
        put(tmp_path / f"contest/images/{number}.png", IMAGE + np.uint8(number))
        put(tmp_path / f"contest/latest_masks/{number}.png", TRUTH)
    assert main(["check", "--init", str(tmp_path)]) == 0
    assert yaml.safe_load((tmp_path / "data.yaml").read_text())["masks"] == "contest/latest_masks/*.png"
    assert main(["check", str(tmp_path)]) == 0
    assert "\ntrain  3      " in capsys.readouterr().out


def test_a_first_description_follows_colours_whose_indices_change(tmp_path: Path):
    for number, order in enumerate([[0, 1, 2], [2, 0, 1], [1, 2, 0]]):
        put(tmp_path / f"images/{number}.png", IMAGE + np.uint8(number))
        colours = [PALETTE[i] for i in order]
        put(tmp_path / f"masks/{number}.png", indexed(np.argsort(order).astype(np.uint8)[TRUTH], colours))
    (tmp_path / "images/left.png").write_bytes((tmp_path / "images/0.png").read_bytes())
    assert main(["check", "--init", str(tmp_path)]) == 0
    assert sorted(yaml.safe_load((tmp_path / "data.yaml").read_text())["palette"]) == sorted(PALETTE)


def test_predict_lists_subfolders_brackets_and_what_it_leaves_out(tmp_path: Path):
    for name in ("scans [2024]/a.png", "scans [2024]/b 1.PNG", "scans [2024]/day/a.png", "scans [2024]/._a.png"):
        put(tmp_path / name, Image.fromarray(IMAGE)) if not name.startswith("._") else None
    put(tmp_path / "scans [2024]/out/a_mask.png", TRUTH)
    (tmp_path / "scans [2024]/notes.txt").write_text("")
    folder = tmp_path / "scans [2024]"
    images, remarks = find_images([str(folder)], folder / "out")
    assert unique_stems(images) == ["a", "b 1", "day/a"]
    assert ["earlier results" in line or "notes.txt" in line or "hidden" in line for line in remarks] == [True] * 3
    for pattern, stems in (
        (f"{folder}/*.png", ["a"]),
        (f"{folder}/[ab]*.*", ["a", "b 1"]),
        (f"{folder}/*", ["a", "b 1"]),
    ):
        images, remarks = find_images([pattern], tmp_path / "elsewhere")
        assert unique_stems(images) == stems
        assert any("notes.txt" in line for line in remarks) == pattern.endswith("/*")
    with pytest.raises(UsageError, match="no image"):
        find_images([f"{folder}/*.txt"], tmp_path)
    assert len(find_images([str(folder)], tmp_path)[0]) == 3  # an output above the images hides none of them


def test_the_numbers_of_the_masks_come_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Names in another order, with gaps: predict writes what the masks hold, evaluate matches classes by name."""
    for split, n in (("train", 4), ("val", 2)):
        for number in range(n):
            put(tmp_path / f"images/{split}/{number}.png", np.dstack([np.roll(IN_GAPS, number, 1) * 9] * 3))
            put(tmp_path / f"masks/{split}/{number}.png", np.roll(IN_GAPS, number, 1))
    describe(tmp_path, names={26: "nucleus", 0: "background", 7: "cell"})
    (tmp_path / "c.yaml").write_text("epochs: 40\nbatch_size: 4\nnetwork: {width: 8, n_steps: 2}\n")
    run = tmp_path / "run"
    assert main(["train", str(tmp_path), "--config", str(tmp_path / "c.yaml"), "--output", str(run)]) == 0
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "images/val"), "--weights", str(run), "--output", str(tmp_path / "p")]) == 0
    assert "numbers in the masks: 0 background, 7 cell, 26 nucleus" in capsys.readouterr().err
    found = np.array(Image.open(tmp_path / "p/0_mask.png"))
    assert set(np.unique(found).tolist()) <= {0, 7, 26}
    assert (found == IN_GAPS).mean() > 0.9
    tiled = ["predict", str(tmp_path / "images/val/0.png"), "--weights", str(run), "--tile", "64"]
    assert main([*tiled, "--output", str(tmp_path / "t")]) == 0
    assert np.array_equal(np.array(Image.open(tmp_path / "t/0_mask.png")), found)
    scores = []
    for names in ({0: "background", 7: "cell", 26: "nucleus"}, {0: "nucleus", 1: "background", 2: "cell"}):
        # The second data set says the same with other numbers in another order.
        table = np.zeros(256, np.uint8)
        for value, name in names.items():
            table[{"background": 0, "cell": 7, "nucleus": 26}[name]] = value
        for number in range(2):
            put(tmp_path / f"masks/val/{number}.png", table[np.roll(IN_GAPS, number, 1)])
        describe(tmp_path, names=names)
        capsys.readouterr()
        assert main(["evaluate", str(run), str(tmp_path), "--json"]) == 0
        scores.append(yaml.safe_load(capsys.readouterr().out)["iou"])
    assert scores[0] == scores[1]
    assert scores[0]["cell"] > 0.5
