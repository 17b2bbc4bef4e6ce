"""imexseg edge as a person runs it, without torch."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from PIL import Image

from imexseg.cli.main import main
from imexseg.data.read.images import read_image
from imexseg.data.read.mask_files import read_mask
from imexseg.inference.onnx_predictor import OnnxPredictor
from imexseg.inference.write_picture import overlay

ROOT = Path(__file__).resolve().parents[2]
# What the light installation leaves out is refused as if it were not there.
WITHOUT_TORCH = """
import builtins, runpy, sys
real = builtins.__import__
def refuse(name, *rest, **more):
    if name.split(".")[0] in {"torch", "torchvision", "lightning", "safetensors", "onnx", "matplotlib", "albumentations", "apps"}:
        raise ModuleNotFoundError(f"{name} is not installed here", name=name)
    return real(name, *rest, **more)
builtins.__import__ = refuse
sys.argv[:1] = ["imexseg", "edge"]
runpy.run_module("imexseg", run_name="__main__")
"""


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", WITHOUT_TORCH, *map(str, arguments)]


def edge(*arguments: object) -> tuple[int, str]:
    """Exit code and standard error of one run."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a brightening picture, 20 frames a second."""
    path = tmp_path_factory.mktemp("film") / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 20, (80, 48))
    for number in range(40):
        writer.write(np.full((48, 80, 3), 6 * number, dtype=np.uint8))
    writer.release()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of images of several kinds, two of one stem."""
    images = tmp_path / "images"
    images.mkdir()
    random = np.random.default_rng(1)
    for name, shape in {"a.png": (64, 64), "a.jpg": (50, 70, 3), "b.png": (150, 40, 3), "c.png": (64, 64, 4)}.items():
        Image.fromarray(cv2.blur(random.integers(0, 255, shape, dtype=np.uint8), (7, 7))).save(images / name)
    return images


def test_a_folder_gives_the_masks_and_overlays_of_imexseg(models: Path, folder: Path, tmp_path: Path):
    code, said = edge(models / "qtips.onnx", "--source", "folder", "--input", folder, "--output", tmp_path / "out")
    assert code == 0, said
    assert "4 frames" in said
    assert "frames/s" in said
    assert "tiles that overlap" in said
    predictor = OnnxPredictor(models / "qtips.onnx")
    for stem, name in {"a": "a.jpg", "a_png": "a.png", "b": "b.png", "c": "c.png"}.items():
        image = read_image(folder / name)
        mask = read_mask(tmp_path / "out" / f"{stem}_mask.png")
        assert (mask == predictor.predict(image).classes).all()
        shown = read_image(tmp_path / "out" / f"{stem}_overlay.png")
        assert (shown == overlay(image, mask, predictor.info.palette)).all()


def test_one_image_by_its_path_alone(models: Path, folder: Path, tmp_path: Path):
    code, said = edge(models / "qtips.onnx", "--source", folder / "b.png", "--output", tmp_path / "out")
    assert code == 0, said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b_mask.png", "b_overlay.png"]


def test_a_film_with_every_frame(models: Path, film: Path, tmp_path: Path):
    code, said = edge(
        models / "colour.onnx", "--source", "video", "--input", film, "--every-frame", "--output", tmp_path
    )
    assert code == 0, said
    assert "40 frames" in said
    assert "0 dropped" in said
    means = [read_mask(tmp_path / f"film_{number:06d}_mask.png")[24, 40] for number in (0, 20, 39)]
    assert means == [0, 1, 2]


def test_a_live_film_plays_at_its_own_speed(models: Path, film: Path):
    start = time.monotonic()
    code, said = edge(models / "qtips.onnx", "--source", film, "--headless")
    assert code == 0, said
    assert time.monotonic() - start > 39 / 20  # seconds


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(models: Path, folder: Path, tmp_path: Path, number: int):
    for copy in range(3000):
        os.link(folder / "b.png", folder / f"copy{copy}.png")
    arguments = command(models / "qtips.onnx", "--source", folder, "--output", tmp_path / "out")
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        deadline = time.monotonic() + 120
        while not list((tmp_path / "out").glob("*_overlay.png")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        said = process.communicate(timeout=20)[1]
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert "frames/s" in said
    written = list((tmp_path / "out").iterdir())
    assert 2 <= len(written) < 6000
    assert all(read_image(path).size for path in written)  # each is whole, and no part files are left


def test_without_a_screen_it_says_so_and_goes_on(models: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    code, said = edge(models / "qtips.onnx", "--source", folder / "a.png")
    assert code == 0, said
    assert "continuing without one" in said
    assert "1 frames" in said


MISTAKES = {
    "no such file": (2, ["{models}/none.onnx", "--source", "camera"]),
    "is not a readable ONNX file": (2, ["{models}/text.onnx", "--source", "camera"]),
    "no imexseg metadata": (2, ["{models}/bare.onnx", "--source", "camera"]),
    "say which with --input": (2, ["{models}/qtips.onnx", "--source", "folder"]),
    "no such file or folder": (2, ["{models}/qtips.onnx", "--source", "{folder}/none.png"]),
    "no images in this folder": (2, ["{models}/qtips.onnx", "--source", "{models}"]),
    "no such image file": (2, ["{models}/qtips.onnx", "--source", "image", "--input", "{folder}/none.png"]),
    "is not an image that can be read": (
        2,
        ["{models}/qtips.onnx", "--source", "image", "--input", "{models}/text.onnx"],
    ),
    "is it a film": (2, ["{models}/qtips.onnx", "--source", "video", "--input", "{folder}/a.png.txt"]),
    "is it connected": (2, ["{models}/qtips.onnx", "--source", "camera", "--input", "99"]),
    "a camera is named by its number": (2, ["{models}/qtips.onnx", "--source", "camera", "--input", "front"]),
    "cannot be made": (1, ["{models}/qtips.onnx", "--source", "{folder}/a.png", "--output", "{folder}/a.png/x"]),
}


@pytest.mark.parametrize("explanation", MISTAKES)
def test_mistakes_are_explained(models: Path, folder: Path, explanation: str, capfd: pytest.CaptureFixture[str]):
    (folder / "a.png.txt").write_text("no film")
    code, arguments = MISTAKES[explanation]
    assert main(["edge", *(argument.format(models=models, folder=folder) for argument in arguments)]) == code
    said = capfd.readouterr().err
    assert explanation in said
    assert len(said.strip().splitlines()) <= 2


def test_an_option_out_of_range_is_explained(models: Path):
    code, said = edge(models / "qtips.onnx", "--source", "camera", "--queue", 0)
    assert code == 2
    assert "--queue: 0 is not positive" in said


def test_a_folder_with_a_bad_image_is_finished_and_fails(models: Path, folder: Path, tmp_path: Path):
    (folder / "bad.png").write_text("no image")
    code, said = edge(models / "qtips.onnx", "--source", folder, "--output", tmp_path / "out")
    assert code == 1
    assert "bad.png: is not an image" in said
    assert len(list((tmp_path / "out").iterdir())) == 8


def test_white_is_asked_for_and_taken(models: Path, tmp_path: Path):
    """Twelve bits in a file of sixteen: refused until white is said, then as the same picture of eight bits."""
    grey = np.random.default_rng(5).integers(0, 256, (64, 64), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "deep.png"), (grey.astype(np.uint32) * 4095 // 255).astype(np.uint16))
    arguments = [models / "qtips.onnx", "--source", tmp_path / "deep.png", "--output", tmp_path / "out"]
    code, said = edge(*arguments)
    assert code == 2
    assert "--white 4095" in said
    assert not list((tmp_path / "out").iterdir())
    code, said = edge(*arguments, "--white", 4095)
    assert code == 0
    assert "uint16 with white at 4095 was converted to uint8 with white at 255" in said
    expected = OnnxPredictor(models / "qtips.onnx").predict(
        ((grey.astype(np.uint32) * 4095 // 255 * 2 * 255 + 4095) // (2 * 4095)).astype(np.uint8)[..., None]
    )
    assert (read_mask(tmp_path / "out" / "deep_mask.png") == expected.classes).all()


def test_masks_have_the_numbers_of_the_users_masks(models: Path, folder: Path, tmp_path: Path):
    model = onnx.load(models / "qtips.onnx")
    facts = json.loads(model.metadata_props[0].value) | {"values": [7, 0, 255]}
    model.metadata_props[0].value = json.dumps(facts)
    onnx.save(model, tmp_path / "own.onnx")
    code, said = edge(tmp_path / "own.onnx", "--source", folder / "a.png", "--output", tmp_path / "out")
    assert code == 0, said
    classes = OnnxPredictor(models / "qtips.onnx").predict(read_image(folder / "a.png")).classes
    assert (read_mask(tmp_path / "out" / "a_mask.png") == np.array([7, 0, 255])[classes]).all()


class Screen:
    """In the place of OpenCV's windows, which its headless build has not: keeps what is shown, presses q at the third."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.shown: list[np.ndarray] = []
        monkeypatch.setenv("DISPLAY", ":0")
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "imshow", lambda _, picture: self.shown.append(picture))
        monkeypatch.setattr(cv2, "waitKey", lambda _: ord("q") if len(self.shown) == 3 else -1)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
        monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)


def test_a_window_shows_the_overlay_until_q_is_pressed(models: Path, film: Path, monkeypatch: pytest.MonkeyPatch):
    screen = Screen(monkeypatch)
    assert main(["edge", str(models / "colour.onnx"), "--source", str(film), "--every-frame"]) == 0
    assert len(screen.shown) == 3
    capture = cv2.VideoCapture(str(film))
    frame = [capture.read()[1] for _ in range(3)][2]
    assert (screen.shown[2] == frame).all()  # so dark that all of it is background, which shows the image itself
