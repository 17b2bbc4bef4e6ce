"""Damaged files of every kind: never a traceback, a hang, a flood of memory, or a message that does not name the file.

`pytest -m slow tests/robustness/test_fuzz.py -s` prints the table of the README.
"""

import collections
import itertools
import json
import os
import selectors
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_inputs import kinds

SECONDS, MEBIBYTES = 30, 2048
HERE = Path(__file__).parent


class Worker:
    """fuzz_worker.py, started again whenever it dies or hangs."""

    def __init__(self, *arguments: Path):
        self.arguments = arguments
        self.process: subprocess.Popen[str] | None = None

    def answer(self, kind: str, seed: int) -> dict:
        """Its result; {"fault": …} if there was none."""
        if self.process is None:
            environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]), "OMP_NUM_THREADS": "1"}
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "fuzz_worker.py"), *map(str, self.arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
            )
            assert self.line_within(600) == "ready\n"  # its imports are not what is tested
        assert self.process.stdin
        self.process.stdin.write(json.dumps([kind, seed]) + "\n")
        self.process.stdin.flush()
        line = self.line_within(SECONDS)
        if not line:
            fault = "hang" if line is None else "crash"
            self.stop()
            return {"fault": fault}
        return json.loads(line)

    def line_within(self, seconds: float) -> str | None:
        """What it says next; empty if it died, None if it says nothing in time."""
        assert self.process
        assert self.process.stdout
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            return self.process.stdout.readline() if waiting.select(seconds) else None

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def fault_of(result: dict) -> str | None:
    """What is wrong with an answer, if anything."""
    if "fault" in result:
        return result["fault"]
    if result["traceback"]:
        return "traceback"
    if result["mib"] > MEBIBYTES:
        return "memory"
    if result["steered"]:
        return "control characters"
    if result["code"] not in (0, 1, 2, None):
        return "exit code"
    return "file not named" if result["code"] and not result["named"] else None


@pytest.fixture(scope="module")
def materials(trained_run: Path, tmp_path_factory: pytest.TempPathFactory, imexseg_cli) -> tuple[Path, Path, Path]:
    """Weights, an exported file and a finished run, all small."""
    exported = tmp_path_factory.mktemp("exported") / "small.onnx"
    done = imexseg_cli("export", trained_run, "--size", 32, 32, "--output", exported)
    assert done.returncode == 0, done.stderr
    return trained_run / "best.safetensors", exported, trained_run


def fuzz(materials: tuple[Path, Path, Path], scratch: Path, n: int) -> str:
    """n cases, spread over the kinds. Returns: the table. Raises: AssertionError naming every case at fault."""
    table = kinds(*materials)
    of_a_round = [name for name, kind in table.items() for _ in range(kind.share)]
    numbers: collections.Counter[str] = collections.Counter()
    cases, faults, refused, taken = (collections.Counter[str]() for _ in range(4))
    largest: collections.Counter[str] = collections.Counter()
    reports = []
    worker = Worker(scratch, *materials)
    try:
        for name in itertools.islice(itertools.cycle(of_a_round), n):
            seed = numbers[name]
            numbers[name] += 1
            result = worker.answer(name, seed)
            cases[name] += 1
            fault = fault_of(result)
            if fault:
                faults[name] += 1
                reports.append(f"{name} {seed}: {fault}\n{json.dumps(result, indent=1)[:1500]}")
            elif result["code"]:
                refused[name] += 1
            else:
                taken[name] += 1
            largest[name] = max(largest[name], result.get("mib", 0))
    finally:
        worker.stop()
    lines = [
        "| kind of file | cases | refused in words | read | faults | most memory, MiB |",
        "|---|---|---|---|---|---|",
    ]
    lines += [f"| {k} | {cases[k]} | {refused[k]} | {taken[k]} | {faults[k]} | {largest[k]} |" for k in table]
    assert not reports, f"{len(reports)} faults\n" + "\n".join(reports[:20])
    return "\n".join(lines)


def test_damaged_files_are_read_or_refused_in_words(materials, tmp_path: Path):
    fuzz(materials, tmp_path, 200)


@pytest.mark.slow
def test_two_thousand_damaged_files(materials, tmp_path: Path):
    print("\n" + fuzz(materials, tmp_path, 2000))
