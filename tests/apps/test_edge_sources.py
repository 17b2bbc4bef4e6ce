"""GStreamer and picamera2 as sources. The OpenCV of the tests has no GStreamer and this machine no ribbon-cable camera: what is
tested is what the program asks of them, and what it says where they are missing.
"""

import json
import sys
import types
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from imexseg.cli.main import main
from imexseg.edge.gstreamer import completed, has_gstreamer


@pytest.mark.skipif(has_gstreamer(), reason="this OpenCV has GStreamer")
def test_an_opencv_without_gstreamer_is_explained(models: Path, capfd: pytest.CaptureFixture[str]):
    assert main(["edge", str(models / "qtips.onnx"), "--source", "gst:videotestsrc num-buffers=3", "--headless"]) == 2
    said = capfd.readouterr().err
    assert "was built without GStreamer" in said
    assert "apt install python3-opencv" in said
    assert len(said.splitlines()) == 1


@pytest.mark.skipif(not has_gstreamer(), reason="this OpenCV has no GStreamer")
def test_a_pipeline(models: Path, capfd: pytest.CaptureFixture[str]):
    pipeline = "videotestsrc pattern=white num-buffers=5 ! video/x-raw,width=80,height=48"
    arguments = ["--source", f"gst:{pipeline}", "--headless", "--json-lines", "--every-frame"]
    assert main(["edge", str(models / "colour.onnx"), *arguments]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["frame"] for line in lines] == [f"gst_{number:06d}" for number in range(5)]
    assert all(line["pixels"]["bright"] > 3000 for line in lines)


def test_a_pipeline_gets_the_end_that_opencv_needs():
    assert completed("v4l2src ! ").startswith("v4l2src ! videoconvert ! video/x-raw,format=BGR ! appsink")
    own = "filesrc location=a.mp4 ! decodebin ! videoconvert ! appsink sync=false"
    assert completed(own) == own


@pytest.mark.parametrize(
    ("arguments", "explanation"),
    [
        (["--source", "gst:"], "names no pipeline"),
        (["--source", "gst"], "say which with --input PIPELINE"),
        (["--source", "picamera2", "--input", "front"], "a camera is named by its number"),
    ],
)
def test_mistakes(models: Path, arguments: list[str], explanation: str, capfd: pytest.CaptureFixture[str]):
    assert main(["edge", str(models / "qtips.onnx"), *arguments, "--headless"]) == 2
    assert explanation in capfd.readouterr().err


def test_without_picamera2_it_says_where_to_get_it(
    models: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    assert main(["edge", str(models / "qtips.onnx"), "--source", "picamera2", "--headless"]) == 2
    said = capfd.readouterr().err
    assert "apt install python3-picamera2" in said
    assert len(said.splitlines()) == 1


class Picamera2:
    """In the place of picamera2's class of this name, with its methods, the order of its bytes and its errors."""

    pictures: ClassVar[list[np.ndarray]] = []
    closed: ClassVar[int] = 0

    def __init__(self, number: int):
        [None][number]  # IndexError, as without a camera of this number
        self.given = iter(self.pictures)

    def create_video_configuration(self, main: dict[str, Any]) -> dict[str, Any]:
        return main

    def configure(self, configuration: dict[str, Any]) -> None:
        self.format = configuration["format"]

    def start(self) -> None: ...

    def capture_array(self, name: str) -> np.ndarray:
        picture = next(self.given, None)
        if name != "main" or picture is None:
            raise RuntimeError("camera frontend has timed out")
        return picture if self.format == "BGR888" else picture[..., ::-1]  # what libcamera calls RGB888 has blue first

    def close(self) -> None:
        type(self).closed += 1


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> type[Picamera2]:
    module = types.ModuleType("picamera2")
    module.Picamera2 = Picamera2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "picamera2", module)
    random = np.random.default_rng(1)
    Picamera2.pictures = [
        cv2.blur(random.integers(0, 256, (48, 80, 3), dtype=np.uint8), (5, 5)) * [1, 0, 0] for _ in range(3)
    ]
    Picamera2.pictures = [picture.astype(np.uint8) for picture in Picamera2.pictures]
    Picamera2.closed = 0
    return Picamera2


def test_frames_of_a_ribbon_cable_camera(
    models: Path, tmp_path: Path, camera: type[Picamera2], capfd: pytest.CaptureFixture[str]
):
    """In the order of colours that the network was trained on; then the camera fails, which is a line and exit code 1."""
    arguments = ["--source", "picamera2", "--headless", "--every-frame", "--json-lines", "--output", str(tmp_path)]
    assert main(["edge", str(models / "colour.onnx"), *arguments]) == 1
    said = capfd.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["frame"] for line in lines] == [f"picamera0_{number:06d}" for number in range(3)]
    assert "picamera0: delivers no more frames (camera frontend has timed out)" in said.err
    assert "Traceback" not in said.err
    assert camera.closed == 1
    overlay = cv2.imread(str(tmp_path / "picamera0_000002_overlay.png"))[..., ::-1]
    background = cv2.imread(str(tmp_path / "picamera0_000002_mask.png"), cv2.IMREAD_GRAYSCALE) == 0
    assert background.any()
    assert (overlay[background] == camera.pictures[2][background]).all()  # background shows the picture itself


def test_a_ribbon_cable_camera_that_is_not_there(
    models: Path, camera: type[Picamera2], capfd: pytest.CaptureFixture[str]
):
    assert main(["edge", str(models / "qtips.onnx"), "--source", "picamera2", "--input", "3", "--headless"]) == 2
    said = capfd.readouterr().err
    assert "picamera2 3: cannot be opened (list index out of range)" in said
    assert len(said.splitlines()) == 1
