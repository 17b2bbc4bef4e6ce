"""imexseg edge --json-lines: one line of JSON a frame, and nothing else on standard output."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from imexseg.cli.main import main
from imexseg.data.read.mask_files import read_mask
from imexseg.edge.frames import Frame
from imexseg.edge.lines import line_of

KEYS = ["time", "frame", "width", "height", "pixels", "shares", "ignored", "ms", "dropped"]


def test_areas_are_those_of_the_mask(models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """Counted in the mask that the same run wrote, by another function than the program's."""
    random = np.random.default_rng(3)
    picture = cv2.blur(random.integers(0, 256, (50, 70), dtype=np.uint8), (3, 3))
    alpha = np.full_like(picture, 255)
    alpha[:10, :20] = 0
    Image.fromarray(np.dstack([picture, alpha]), "LA").save(tmp_path / "a.png")
    before = datetime.now(UTC) - timedelta(seconds=1)
    arguments = ["--source", str(tmp_path / "a.png"), "--headless", "--output", str(tmp_path / "out")]
    assert main(["edge", str(models / "qtips.onnx"), *arguments, "--json-lines"]) == 0
    (text,) = capfd.readouterr().out.splitlines()
    line = json.loads(text)
    assert list(line) == KEYS
    mask = read_mask(tmp_path / "out" / "a_mask.png").tolist()
    flat = [value for row in mask for value in row]
    assert line["pixels"] == {name: flat.count(k) for k, name in enumerate(["background", "middle", "bright"])}
    assert line["ignored"] == flat.count(255) == 200
    assert (line["width"], line["height"], line["frame"]) == (70, 50, str(tmp_path / "a.png"))
    for name, pixels in line["pixels"].items():
        assert line["shares"][name] == pytest.approx(pixels / 3500, abs=1e-6)
    assert before < datetime.fromisoformat(line["time"]) < datetime.now(UTC)
    assert line["ms"] > 0


def test_classes_of_one_name_are_added_up():
    classes = np.array([[0, 1, 2, 2, 255]], np.uint8)
    line = json.loads(line_of(Frame("f", classes[..., None]), classes, ["cell", "edge", "cell"], 0.0125, 7))
    assert line["pixels"] == {"cell": 3, "edge": 1}
    assert line["shares"] == {"cell": 0.6, "edge": 0.2}
    assert (line["ignored"], line["ms"], line["dropped"]) == (1, 12.5, 7)


def test_names_of_strangers_stay_one_line_of_ascii():
    names = ["new\nline", "\x1b[31mred", "naïve", "\u202eturned"]
    text = line_of(Frame("\udcff.png", np.zeros((1, 4, 1), np.uint8)), np.arange(4, dtype=np.uint8)[None], names, 0, 0)
    assert text.isascii()
    assert text.isprintable()
    assert list(json.loads(text)["pixels"]) == names


def test_a_line_can_be_acted_on_before_the_next_frame(models: Path, tmp_path: Path):
    """Through a pipe, which Python would buffer; and who read enough of them ends the program without a traceback."""
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((64, 64), np.uint8))
    for copy in range(2000):
        os.link(tmp_path / "a.png", tmp_path / f"copy{copy}.png")
    command = [sys.executable, "-m", "imexseg", "edge", str(models / "qtips.onnx"), "--source", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--headless", "--json-lines"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["pixels"]["background"] == 64 * 64
        assert process.poll() is None
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(timeout=30) == 1
    assert "Traceback" not in said
