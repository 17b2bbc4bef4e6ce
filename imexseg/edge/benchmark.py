"""How long a network takes for an image on this machine, and in how much memory."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from imexseg.data.read.as_trained import as_trained
from imexseg.edge.frames import Frame
from imexseg.edge.machine import Machine, peak_bytes
from imexseg.inference.onnx_predictor import OnnxPredictor

SECONDS = 5.0  # of measuring
LEAST, MOST = 20, 5000  # runs
_WARM_UP = 3  # runs that are not counted: the first ones also reserve memory
_SIDE = 256  # pixels, where neither the file nor an image says a size


@dataclass(frozen=True)
class Measured:
    """image: its name.  size: (H, W), pixels.  ms: of every run, from the frame to its classes.  threads: 0 is the choice of the
    runtime.  peak: most memory of the whole process, bytes.  network: by how much loading and running raised it.  Both are None
    where the system does not tell.  load: processes that wanted a core in the minute before, None where the system does not tell.
    """

    machine: Machine
    engine: str
    image: str
    size: tuple[int, int]
    threads: int
    ms: list[float]
    peak: int | None
    network: int | None
    load: float | None

    @property
    def median(self) -> float:
        return float(np.median(self.ms))

    @property
    def slow(self) -> float:
        """Milliseconds that 95 % of the runs kept to."""
        return float(np.percentile(self.ms, 95))

    @property
    def per_second(self) -> float:
        return 1e3 * len(self.ms) / sum(self.ms)

    @property
    def is_disturbed(self) -> bool:
        """Whether other programs kept half of the cores or more."""
        return self.load is not None and self.load > self.machine.cores / 2

    def as_dict(self) -> dict[str, Any]:
        """For JSON; memory in MiB."""
        return {
            "machine": self.machine.as_dict(),
            "engine": self.engine,
            "image": self.image,
            "width": self.size[1],
            "height": self.size[0],
            "threads": self.threads,
            "runs": len(self.ms),
            "ms": {"median": round(self.median, 3), "p95": round(self.slow, 3), "fastest": round(min(self.ms), 3)},
            "frames_per_second": round(self.per_second, 2),
            "peak_mib": None if self.peak is None else round(self.peak / 2**20, 1),
            "network_mib": None if self.network is None else round(self.network / 2**20, 1),
            "load": self.load,
        }

    def in_words(self) -> list[str]:
        """A few lines for a person."""
        threads = {0: f"threads as {self.engine} chooses", 1: "1 thread"}.get(self.threads, f"{self.threads} threads")
        memory = "memory: this system does not tell"
        if self.peak is not None and self.network is not None:
            memory = f"memory: {self.peak / 2**20:.0f} MiB at most, {self.network / 2**20:.0f} of them for the network"
        return [
            f"machine: {self.machine}",
            f"image: {self.image}, {self.size[1]} x {self.size[0]} px; {threads}",
            f"time: {self.median:.2f} ms (median of {len(self.ms)}), {self.slow:.2f} ms or less for 95 %; "
            f"{self.per_second:.1f} frames/s",
            memory,
        ]


def measure(
    open_predictor: Callable[[], OnnxPredictor],
    engine: str,
    frame: Frame | None,
    white: float | None = None,
    seconds: float | None = None,
) -> Measured:
    """What `imexseg edge` does with a frame between reading and showing it, again and again.

    Args: open_predictor: opens the network, which is counted as its memory.  frame: None for noise of the network's size.
    white: the pixel value that means white in the frame.  seconds: of measuring (default: SECONDS).
    Raises: UsageError, JobError of the network.
    """
    milliseconds = 1e3 * (SECONDS if seconds is None else seconds)
    load = _load()
    before = peak_bytes()
    predictor = open_predictor()
    if frame is None:
        frame, white = noise(predictor), predictor.info.full_scale
    ms: list[float] = []
    for number in range(-_WARM_UP, MOST):
        start = time.perf_counter()
        pixels, _ = as_trained(frame.image, predictor.info, frame.label, white)
        predictor.classes(pixels, frame.label)
        if number >= 0:
            ms.append(1e3 * (time.perf_counter() - start))
        if len(ms) >= LEAST and sum(ms) > milliseconds:
            break
    after = peak_bytes()
    return Measured(
        Machine.here(),
        engine,
        frame.label,
        (frame.image.shape[0], frame.image.shape[1]),
        predictor.usual_threads,
        ms,
        after,
        None if after is None or before is None else after - before,
        load,
    )


def noise(predictor: OnnxPredictor) -> Frame:
    """The same pixels every time, over the whole range that the network knows."""
    info = predictor.info
    least = max(info.minimum_size)
    height, width = info.size or (max(_SIDE, least), max(_SIDE, least))
    values = np.random.default_rng(0).random((height, width, info.in_channels), np.float32) * np.float32(
        info.full_scale
    )
    return Frame("noise", values.astype(predictor.dtype))


def _load() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):  # Windows
        return None
