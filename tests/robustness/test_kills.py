"""SIGKILL at random moments of the real command line: nothing is half-written, and a run resumes to the same weights."""

import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from imexseg.inference.onnx_predictor import OnnxPredictor
from imexseg.models.artefact import load

KILLS = 50
pytestmark = pytest.mark.slow


def killed_after(seconds: float, *arguments: object) -> bool:
    """Run a command and kill it, unless it was faster. Returns: whether it was killed; one that ends by itself succeeds."""
    command = [sys.executable, "-m", "imexseg", *map(str, arguments)]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()
        said.seek(0)
        assert process.returncode in (0, -signal.SIGKILL), said.read()
    return process.returncode == -signal.SIGKILL


def network_of(run: Path) -> dict[str, torch.Tensor]:
    return torch.load(run / "last.ckpt", weights_only=True)["state_dict"]


def visible(folder: Path) -> list[Path]:
    """What a person sees; the .part files beside it are for the next command to remove."""
    hidden = (
        path for path in folder.rglob("*") if any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    return sorted(set(folder.rglob("*")) - set(hidden))


def whole_masks(out: Path) -> None:
    for path in visible(out):
        with Image.open(path) as image:
            image.load()


def all_or_nothing(out: Path, n_files: int) -> None:
    """All pairs and data.yaml, or no folder."""
    assert not out.exists() or len([path for path in visible(out) if path.is_file()]) == n_files


def whole_onnx(out: Path) -> None:
    for path in out.glob("*.onnx"):
        OnnxPredictor(path)


def test_a_run_that_is_killed_again_and_again_ends_in_the_same_weights(qtips_folder: Path, imexseg_cli, tmp_path: Path):
    options = ("--epochs", 6, "--batch-size", 4, "--seed", 3, "--output")
    started = time.monotonic()
    assert imexseg_cli("train", qtips_folder, *options, tmp_path / "whole", timeout=600).returncode == 0
    usual = time.monotonic() - started
    moments, run, kills = random.Random(1), tmp_path / "killed", 0
    while kills < KILLS // 2:
        begun = (run / "config.yaml").exists()
        command = ("train", "--resume", run) if begun else ("train", qtips_folder, *options, run)
        if not killed_after(moments.uniform(0.1, 1.1 * usual), *command) and (run / "report.html").exists():
            assert_same(tmp_path / "whole", run)
            run = tmp_path / f"killed-{kills}"
            continue
        kills += 1
        if (run / "best.safetensors").exists():
            load(run / "best.safetensors")
    command = ("--resume", run) if (run / "config.yaml").exists() else (qtips_folder, *options, run)
    done = imexseg_cli("train", *command, timeout=600)
    assert done.returncode == 0, done.stderr
    assert_same(tmp_path / "whole", run)
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []


def assert_same(run: Path, other: Path) -> None:
    first, second = network_of(run), network_of(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (run / "best.safetensors").read_bytes() == (other / "best.safetensors").read_bytes()


@pytest.fixture(scope="module")
def coco(qtips_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen images with an outline each, as COCO has them."""
    folder = tmp_path_factory.mktemp("coco")
    images = sorted((qtips_folder / "images/train").glob("*.png"))
    for path in images:
        shutil.copy(path, folder)
    outline = [2.0, 2.0, 20.0, 2.0, 20.0, 20.0]
    content = {
        "images": [{"id": i, "file_name": path.name, "width": 32, "height": 32} for i, path in enumerate(images)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "segmentation": [outline]} for i in range(len(images))
        ],
        "categories": [{"id": 1, "name": "thing"}],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("verb", ["predict", "export", "generate", "convert"])
def test_what_is_killed_leaves_nothing_half_written(
    verb: str, trained_run: Path, qtips_folder: Path, coco: Path, tmp_path: Path
):
    generate = ("generate", "qtips")
    sizes = ("--size", 32, "--train", 16, "--val", 4, "--test", 4)
    commands: dict[str, tuple[Callable[[Path], tuple], Callable[[Path], None]]] = {
        "predict": (
            lambda out: ("predict", qtips_folder / "images/train", "--weights", trained_run, "--output", out),
            whole_masks,
        ),
        "export": (lambda out: ("export", trained_run, "--output", out / "m.onnx"), whole_onnx),
        "generate": (lambda out: (*generate, out, *sizes), lambda out: all_or_nothing(out, 49)),
        "convert": (lambda out: ("convert", "coco", coco, out), lambda out: all_or_nothing(out, 33)),
    }
    command, check = commands[verb]
    moments = random.Random(2)
    started = time.monotonic()
    assert killed_after(600, *command(tmp_path / "usual")) is False
    usual = time.monotonic() - started
    for number in range(-(-KILLS // 8)):
        killed_after(moments.uniform(0.3, 1.0) * usual, *command(tmp_path / str(number)))
        check(tmp_path / str(number))
    for number in range(-(-KILLS // 8)):
        if not (tmp_path / str(number)).exists() or verb in ("predict", "export"):
            assert killed_after(600, *command(tmp_path / str(number))) is False
            check(tmp_path / str(number))
    assert [path for path in tmp_path.rglob("*") if path.name.endswith(".part")] == []
