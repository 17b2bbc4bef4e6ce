"""Signals at any moment: one line, exit code 1, and the way on."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import Running

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks /proc when signals are caught")
ALL = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "imexseg", *map(str, arguments)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        # As from a terminal: a suite that a script started with & would hand down ignored signals.
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in ALL] and None,
    )


def wait_until_signals_are_caught(process: subprocess.Popen[str]) -> None:
    """Before that, in the first milliseconds of the interpreter, no program can help it."""
    status = Path(f"/proc/{process.pid}/status")
    bit = 1 << (signal.SIGHUP - 1)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        (caught,) = (line for line in status.read_text().splitlines() if line.startswith("SigCgt"))
        if int(caught.split()[1], 16) & bit:
            return
        time.sleep(0.005)
    raise AssertionError("no handler within a minute")


def ended(process: subprocess.Popen[str] | Running) -> str:
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert process.returncode == 1, errors
    assert "interrupted" in errors
    return errors


@pytest.mark.parametrize("number", ALL)
def test_a_signal_during_the_imports_is_one_line(number: signal.Signals, qtips_folder: Path, tmp_path: Path):
    process = start("train", qtips_folder, "--epochs", 500, "--output", tmp_path / "run")
    wait_until_signals_are_caught(process)
    process.send_signal(number)
    assert len(ended(process).splitlines()) == 1


def test_twice_in_training_keeps_what_is_done(qtips_folder: Path, tmp_path: Path):
    process = Running("train", qtips_folder, "--epochs", 500, "--output", tmp_path / "run")
    deadline = time.monotonic() + 200
    while not (tmp_path / "run/last.ckpt").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert f"imexseg train --resume {tmp_path}/run" in ended(process)


@pytest.mark.slow
def test_signals_at_random_moments(qtips_folder: Path, tmp_path: Path):
    moments = random.Random(0)
    for number in range(20):
        process = start("train", qtips_folder, "--epochs", 500, "--output", tmp_path / str(number))
        wait_until_signals_are_caught(process)
        time.sleep(moments.uniform(0, 8))
        for _ in range(moments.choice((1, 2, 3))):
            process.send_signal(moments.choice(ALL))
            time.sleep(moments.uniform(0, 0.05))
        ended(process)
