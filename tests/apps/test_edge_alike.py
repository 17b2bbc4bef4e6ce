"""imexseg edge writes, and refuses, what imexseg predict writes and refuses: byte for byte, and in the same words."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import tifffile
from box_model import box_model, sealed_model
from PIL import Image

from imexseg.cli.main import main
from imexseg.data.read.mask_files import read_mask
from imexseg.inference.onnx_predictor import OnnxPredictor

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "pixels.json").read_text())
RANDOM = np.random.default_rng(11)
GREY = cv2.blur(RANDOM.integers(0, 256, (48, 80), dtype=np.uint8), (7, 7))
HOLE = np.full_like(GREY, 255)
HOLE[5:20, 30:60] = 0
FAR = np.float32(1e38)
GEOTIFF = [
    (33550, "d", 3, (2.0, 2.0, 0.0), True),
    (33922, "d", 6, (0.0, 0.0, 0.0, 500000.0, 4100000.0, 0.0), True),
    (42113, "s", 0, "7", True),
]


def npy(path: Path, values: np.ndarray) -> None:
    np.save(path, values)


def with_palette(path: Path) -> None:
    Image.fromarray(np.dstack([GREY] * 3)).quantize(30).save(path, transparency=4)


def geotiff(path: Path) -> None:
    tifffile.imwrite(path, np.where(HOLE, GREY, 7).astype(np.uint8), photometric="minisblack", extratags=GEOTIFF)


def film(path: Path) -> None:
    pictures = [Image.fromarray(GREY // n) for n in (1, 2)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:])


PICTURES: dict[str, Callable[[Path], None]] = {
    "transparent.png": lambda path: Image.fromarray(np.dstack([GREY, HOLE]), "LA").save(path),
    "transparent-colour.png": lambda path: Image.fromarray(np.dstack([GREY, GREY, GREY, HOLE])).save(path),
    "transparent.webp": lambda path: Image.fromarray(np.dstack([GREY, GREY, GREY, HOLE])).save(path, lossless=True),
    "transparent-palette.png": with_palette,
    "transparent.gif": with_palette,
    "transparent-deep.png": lambda path: (
        cv2.imwrite(str(path), np.dstack([GREY, GREY, GREY, HOLE]).astype(np.uint16) * 257) or None
    ),
    "all-transparent.png": lambda path: Image.fromarray(np.dstack([GREY, 0 * HOLE]), "LA").save(path),
    "scene.tif": geotiff,
    "nan.npy": lambda path: npy(path, np.where(HOLE, GREY / np.float32(255), np.nan).astype(np.float32)),
    "beyond.npy": lambda path: npy(path, np.where(HOLE, GREY / np.float32(255), FAR).astype(np.float32)),
    "infinite.npy": lambda path: npy(path, np.where(HOLE, GREY / np.float32(255), np.inf).astype(np.float32)),
    "all-nan.npy": lambda path: npy(path, np.full((48, 80), np.nan, np.float32)),
    "twelve-bits.npy": lambda path: npy(path, GREY.astype(np.uint16) * 16),
    "signed.npy": lambda path: npy(path, GREY.astype(np.int16)),
    "film.gif": film,
    "avif.png": lambda path: Image.fromarray(GREY).save(path, format="AVIF"),
    "cut.jpg": lambda path: path.write_bytes(jpeg()[:-300]) and None,
}


def jpeg() -> bytes:
    return cv2.imencode(".jpg", GREY)[1].tobytes()


def answers(
    model: Path, picture: Path, folder: Path, capture: Any, *more: str
) -> list[tuple[bool, str, dict[str, bytes]]]:
    """Of predict and of edge: whether it went well, what it said of the picture, and each file that it wrote."""
    result = []
    for program, arguments in {
        "predict": [str(picture), "--weights", str(model)],
        "edge": [str(model), "--source", "image", "--input", str(picture), "--headless"],
    }.items():
        output = folder / program
        code = main([program, *arguments, "--output", str(output), *more])
        written = {path.name: path.read_bytes() for path in output.iterdir()} if output.is_dir() else {}
        # What each says of its own work (speed, where the files are) is not about the picture.
        own = re.compile(r"frames/s|images segmented;|images failed|^ *$")
        lines = [line.removeprefix("error: ") for line in capture.readouterr().err.splitlines() if not own.search(line)]
        result.append((code == 0, "\n".join(lines), written))
    return result


@pytest.mark.parametrize("name", PICTURES)
def test_both_write_the_same_files_and_say_the_same(
    models: Path, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
):
    PICTURES[name](tmp_path / name)
    predicted, live = answers(models / "qtips.onnx", tmp_path / name, tmp_path, capfd)
    assert live == predicted
    fine, said, files = live
    if fine:
        mask = read_mask(tmp_path / "edge" / f"{Path(name).stem}_mask.png")
        if name not in ("transparent-palette.png", "transparent.gif", "film.gif"):
            assert ((mask == 255) == (HOLE == 0)).all()
            assert "450 pixels without a value" in said
        assert ("scene_mask.tif" in files) == (name == "scene.tif")
    else:
        assert name in said
        assert not files
        assert name in ("all-transparent.png", "all-nan.npy", "twelve-bits.npy", "signed.npy", "avif.png", "cut.jpg")


def test_an_ignored_pixel_takes_no_number_of_a_class(models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    model = onnx.load(models / "qtips.onnx")
    entry = model.metadata_props[0]
    entry.value = json.dumps(json.loads(entry.value) | {"values": [255, 0, 254]})
    onnx.save(model, tmp_path / "own.onnx")
    PICTURES["transparent.png"](tmp_path / "a.png")
    predicted, live = answers(tmp_path / "own.onnx", tmp_path / "a.png", tmp_path, capfd)
    assert live == predicted
    assert "numbers in the masks: 255 background" in live[1]
    assert ((read_mask(tmp_path / "edge" / "a_mask.png") == 253) == (HOLE == 0)).all()


def golden_model(case: dict[str, Any], folder: Path) -> Path:
    """A test network that says of its training images what the golden case says."""
    model = box_model(None, kind=case["type"])
    entry = model.metadata_props[0]
    entry.value = json.dumps(json.loads(entry.value) | case["network"])
    onnx.save(model, folder / "golden.onnx")
    return folder / "golden.onnx"


@pytest.mark.parametrize("number", range(len(GOLDEN["scale"] + GOLDEN["refused"])))
def test_golden_cases(number: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    case = (GOLDEN["scale"] + GOLDEN["refused"])[number]
    model = golden_model(case, tmp_path)
    values = np.array(case["values"], case["dtype"])[:, None].repeat(3 * len(case["values"]), axis=1)
    npy(tmp_path / "golden.npy", values)
    white = [] if case["white"] is None else ["--white", str(case["white"])]
    predicted, live = answers(model, tmp_path / "golden.npy", tmp_path, capfd, *white)
    assert live == predicted
    fine, said, _ = live
    assert fine == ("expected" in case)
    if not fine:
        assert case["why"] in said
        return
    stored = np.array(case["expected"], case["type"])[:, None, None].repeat(values.shape[1], axis=1)
    expected = OnnxPredictor(model).segment(stored).classes
    assert (read_mask(tmp_path / "edge" / "golden_mask.png") == expected).all()


def test_both_refuse_a_network_in_which_one_bit_is_flipped(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    whole = sealed_model(box_model())
    PICTURES["film.gif"](tmp_path / "a.gif")
    for position, fine in ((None, True), (whole.index(b"Conv") - 20, False), (len(whole) - 1, False)):
        damaged = bytearray(whole)
        if position is not None:
            damaged[position] ^= 1
        (tmp_path / "sealed.onnx").write_bytes(damaged)
        predicted, live = answers(tmp_path / "sealed.onnx", tmp_path / "a.gif", tmp_path, capfd)
        assert (live[0], live[1]) == (predicted[0], predicted[1])
        assert live[0] == fine
        assert fine or "sealed.onnx: is damaged: its checksum does not match" in live[1]
