"""SIGKILL at random moments of the real command line: nothing is half-written, and a run resumes to the same weights."""

import random
import signal
import subprocess
import sys
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
    """Run a command and kill it, unless it was faster. Returns: whether it was killed."""
    command = [sys.executable, "-m", "imexseg", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


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


def all_or_nothing(out: Path) -> None:
    """Sixteen and eight pairs and data.yaml, or no folder."""
    assert not out.exists() or len([path for path in visible(out) if path.is_file()]) == 49


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


@pytest.mark.parametrize("verb", ["predict", "export", "generate"])
def test_what_is_killed_leaves_nothing_half_written(verb: str, trained_run: Path, qtips_folder: Path, tmp_path: Path):
    commands: dict[str, tuple[Callable[[Path], tuple], Callable[[Path], None]]] = {
        "predict": (
            lambda out: ("predict", qtips_folder / "images/train", "--weights", trained_run, "--output", out),
            whole_masks,
        ),
        "export": (lambda out: ("export", trained_run, "--output", out / "m.onnx"), whole_onnx),
        "generate": (
            lambda out: ("generate", "qtips", out, "--size", 32, "--train", 16, "--val", 4, "--test", 4),
            all_or_nothing,
        ),
    }
    command, check = commands[verb]
    moments = random.Random(2)
    started = time.monotonic()
    killed_after(600, *command(tmp_path / "usual"))
    usual = time.monotonic() - started
    for number in range(KILLS // 6):
        killed_after(moments.uniform(0.3, 1.0) * usual, *command(tmp_path / str(number)))
        check(tmp_path / str(number))
