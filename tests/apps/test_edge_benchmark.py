"""imexseg edge --benchmark: what it measures, and what it refuses."""

import json
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from imexseg.cli.main import main
from imexseg.edge.benchmark import LEAST, measure, noise
from imexseg.edge.frames import Frame
from imexseg.edge.machine import Machine
from imexseg.inference.onnx_predictor import OnnxPredictor


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("imexseg.edge.benchmark.SECONDS", 0.2)


def test_noise_as_json(models: Path, capfd: pytest.CaptureFixture[str]):
    assert main(["edge", str(models / "qtips.onnx"), "--benchmark", "--threads", "1", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["image"], found["width"], found["height"], found["threads"]) == ("noise", 64, 64, 1)
    assert found["runs"] >= LEAST
    assert 0 < found["ms"]["fastest"] <= found["ms"]["median"] <= found["ms"]["p95"]
    assert 0 <= found["network_mib"] < found["peak_mib"]
    assert found["machine"]["cores"] >= 1
    assert found["engine"] == "onnxruntime"


def test_an_image_in_words(models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    cv2.imwrite(str(tmp_path / "wide.png"), np.zeros((30, 200), np.uint8))
    assert main(["edge", str(models / "qtips.onnx"), "--benchmark", "--source", str(tmp_path / "wide.png")]) == 0
    said = capfd.readouterr().out
    assert "wide.png, 200 x 30 px; threads as onnxruntime chooses" in said
    assert "frames/s" in said
    assert "MiB at most" in said


def test_milliseconds_are_those_of_the_network():
    """A network that takes 5 ms, and every tenth time 20."""

    class Slow:
        info = None
        usual_threads = 3

        def __init__(self):
            self.n_runs = 0

        def classes(self, pixels, name):
            self.n_runs += 1
            time.sleep(0.02 if self.n_runs % 10 == 0 else 0.005)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imexseg.edge.benchmark.as_trained", lambda image, *_: (image, None))
        found = measure(Slow, "slow", Frame("f", np.zeros((2, 3, 1), np.uint8)), seconds=0.5)
    assert 5 <= found.median < 9
    assert 19 <= found.slow < 30
    assert found.per_second == pytest.approx(1e3 * len(found.ms) / sum(found.ms))
    assert len(found.ms) >= LEAST
    assert (found.size, found.threads) == ((2, 3), 3)


@pytest.mark.parametrize("name", ["qtips", "deep", "float", "people-lite0"])
def test_noise_covers_the_range_of_the_network(models: Path, name: str):
    predictor = OnnxPredictor(models / f"{name}.onnx")
    image = noise(predictor).image
    assert image.dtype == predictor.dtype
    assert image.shape[2] == predictor.info.in_channels
    assert image.min() < 0.01 * predictor.info.full_scale
    assert 0.98 * predictor.info.full_scale < image.max() <= predictor.info.full_scale
    assert len(set(predictor.classes(image).ravel().tolist())) > 1 or name == "people-lite0"


def test_memory_is_that_of_this_process():
    """128 MiB more, in a process of its own, that the one which starts it is far above."""
    program = (
        "import numpy; from imexseg.edge.machine import peak_bytes; before = peak_bytes(); block = numpy.ones(1 << 24);"
        "print(before, peak_bytes())"
    )
    block = np.ones(1 << 26)
    before, after = map(int, subprocess.check_output([sys.executable, "-c", program]).split())
    assert 0.9 * (1 << 27) < after - before < 1.5 * (1 << 27)
    assert after < block.nbytes


def test_a_board_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch):
    files = {"/proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0", "/proc/meminfo": "MemTotal:  4194304 kB\n"}
    monkeypatch.setattr("imexseg.edge.machine._text", lambda path: files.get(path, ""))
    assert Machine.here().name == "Raspberry Pi 5 Model B Rev 1.0"
    assert Machine.here().memory_mib == 4096


@pytest.mark.parametrize(
    ("arguments", "explanation"),
    [
        (["--benchmark", "--output", "o"], "--output: has no meaning with --benchmark"),
        (["--benchmark", "--json-lines"], "--json-lines: has no meaning with --benchmark"),
        (["--benchmark", "--source", "0"], "takes one image file"),
        (["--source", "0", "--json"], "--json: goes with --benchmark"),
        ([], "--source: say where frames come from"),
    ],
)
def test_mistakes(models: Path, arguments: list[str], explanation: str, capfd: pytest.CaptureFixture[str]):
    assert main(["edge", str(models / "qtips.onnx"), *arguments]) == 2
    assert explanation in capfd.readouterr().err
