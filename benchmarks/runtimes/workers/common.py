"""What every worker does: answer the images one by one, compare, take the time and the memory. Needs numpy alone.

A worker is a script that runs in the environment of its runtime, where nothing of this project is installed:

    python NAME.py convert FOLDER/NETWORK.onnx OUTPUT     leaves the runtime's own files in the folder OUTPUT
    python NAME.py run OUTPUT FOLDER/NETWORK.npz          prints one line of JSON
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

os.environ.update(OMP_NUM_THREADS="1")  # one thread, also where a runtime has no setting for it
SECONDS = float(os.environ.get("RUNTIMES_SECONDS", "3"))  # of repetitions
Run = Callable[[np.ndarray], np.ndarray]  # (1, C, H, W) ↦ (1, num_classes, H, W)


class Answers(NamedTuple):
    """logits: in the order of (N, num_classes, H, W).  ms, memory_kb: None where they cannot be had.  files: those that a program
    has to ship.
    """

    logits: np.ndarray
    ms: float | None
    memory_kb: int | None
    files: list[Path]


def main(convert: Callable[[Path, Path], None], opened: Callable[[Path], tuple[Run, list[Path]]]) -> None:
    """Args: opened: the runtime with the network of a folder, and the files that a program has to ship."""

    def answers(folder: Path, given: np.ndarray) -> Answers:
        before = _peak()
        run, files = opened(folder)
        found = np.concatenate([np.asarray(run(image[None])).reshape(1, -1) for image in given])
        return Answers(found, _milliseconds(run, given[:1]), _peak() - before, files)

    serve(convert, answers)


def serve(convert: Callable[[Path, Path], None], answers: Callable[[Path, np.ndarray], Answers]) -> None:
    """The same for a runtime that is no Python library. Args: answers: of the network of a folder to images (N, C, H, W)."""
    command, first, second = sys.argv[1:4]
    if command == "convert":
        Path(second).mkdir(parents=True, exist_ok=True)
        convert(Path(first), Path(second))
        return
    data = np.load(second)
    expected = data["expected"]
    answer = answers(Path(first), data["given"])
    found = answer.logits.reshape(expected.shape)
    print(
        json.dumps(
            {
                "difference": float(np.abs(found - expected).max() / np.ptp(expected)),
                "equal": float((found.argmax(1) == expected.argmax(1)).mean()),
                "ms": answer.ms,
                "memory_kb": answer.memory_kb,
                "file_bytes": sum(path.stat().st_size for path in answer.files),
            }
        )
    )


def _peak() -> int:
    """Most memory of this process so far, kB. getrusage knows that of whoever started it, too."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+)", status)[1])


def _milliseconds(run: Run, image: np.ndarray) -> float:
    """The fastest of many runs: what others do on the machine only ever adds."""
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < 10 or time.perf_counter() - start < SECONDS:
        begun = time.perf_counter()
        run(image)
        times.append(time.perf_counter() - begun)
    return 1e3 * min(times)


def only(folder: Path, pattern: str) -> Path:
    """The one file of that name."""
    (path,) = folder.glob(pattern)
    return path
