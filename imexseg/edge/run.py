"""The main loop: one thread reads frames into the queue, this one segments them and shows or writes the result."""

import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from imexseg.data.description.labels import IGNORE
from imexseg.data.read.as_trained import as_trained
from imexseg.data.read.frames import first_of_several
from imexseg.data.read.void import with_ignored
from imexseg.edge.frames import Frame, FrameQueue
from imexseg.edge.lines import Lines, line_of
from imexseg.edge.output import Folder, Window
from imexseg.edge.signals import StopSignal
from imexseg.edge.sources import Frames
from imexseg.errors import ImexsegError, JobError, UsageError, printable
from imexseg.inference.onnx_predictor import OnnxPredictor
from imexseg.inference.scale import other_size

_POLL = 0.1  # seconds after which a signal is noticed at the latest, when no frame comes
_REPORT = 2.0  # seconds between two lines on the speed
_LAST_READ = 2.0  # seconds that a camera gets to deliver its last frame


@dataclass
class Speed:
    """Frames and seconds so far, and of each frame that has any, how many of its pixels mean nothing."""

    n_frames: int = 0
    voids: list[int] = field(default_factory=list)
    in_model: float = 0.0
    start: float = field(default_factory=time.monotonic)

    def in_words(self, n_dropped: int) -> str:
        rate = self.n_frames / max(time.monotonic() - self.start, 1e-9)
        ms = 1e3 * self.in_model / max(self.n_frames, 1)
        return f"{self.n_frames} frames, {rate:.1f} frames/s, {ms:.1f} ms in the network, {n_dropped} dropped"


class Reader(threading.Thread):
    """Puts frames into the queue until they end; `error` is what went wrong, if anything."""

    def __init__(self, frames: Frames, queue: FrameQueue):
        super().__init__(daemon=True)
        self.frames = frames
        self.queue = queue
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            for frame in self.frames:
                if not self.queue.put(frame):
                    return
        except Exception as error:  # said by the thread that runs the program
            self.error = error
        finally:
            self.frames.close()
            self.queue.close()


def segment_all(
    predictor: OnnxPredictor,
    frames: Frames,
    queue: FrameQueue,
    window: Window | None,
    folder: Folder | None,
    stop: StopSignal,
    white: float | None = None,
    failures: list[str] | None = None,
    lines: Sequence[Lines] = (),
    quiet: bool = False,
) -> Speed:
    """Segment until the frames end, the window is closed or a signal comes.

    Args: white: the pixel value that means white.  failures: takes the lines about frames that cannot be segmented; without it
    the first one ends the work, since those of a film are all alike.  lines: who takes a line on every frame.  quiet: no lines on
    the speed.
    Raises: UsageError, JobError of the network, the source or the folder.
    """
    reader = Reader(frames, queue)
    speed = Speed()
    last_report = speed.start
    said: set[str | None] = {None}
    reader.start()
    try:
        while not stop.received and not (window and window.closed) and not queue.finished:
            frame = queue.get(_POLL)
            if frame is None:
                continue
            start = time.perf_counter()
            try:
                pixels, converted = as_trained(frame.image, predictor.info, frame.label, white)
                classes = with_ignored(predictor.classes(pixels, frame.label), frame.void, IGNORE)
            except UsageError as error:
                if failures is None:
                    raise
                failures.append(str(error))
                continue
            seconds = time.perf_counter() - start
            speed.in_model += seconds
            speed.n_frames += 1
            if frame.void is not None:
                speed.voids.append(int(np.count_nonzero(frame.void)))
            if lines:
                line = line_of(frame, classes, predictor.info.names, seconds, queue.n_dropped)
                for taker in lines:
                    taker.send(line)
            lost = folder.show(frame, classes) if folder is not None else None
            scale = other_size(predictor.info, predictor.info.long_side, *frame.image.shape[:2])
            if window is not None:
                window.show(frame, classes)
            for remark in (_several(frame), converted, lost, predictor.adaptation(frame.image), scale):
                if remark not in said:
                    said.add(remark)
                    say(f"{frame.label}: {remark}")
            if not quiet and time.monotonic() - last_report > _REPORT:
                last_report = time.monotonic()
                say(speed.in_words(queue.n_dropped))
    finally:
        queue.close()
        reader.join(_LAST_READ)
    if reader.error is not None and not stop.received:
        raise reader.error if isinstance(reader.error, ImexsegError) else JobError(repr(reader.error))
    return speed


def _several(frame: Frame) -> str | None:
    return None if frame.path is None else first_of_several(frame.path)


def say(line: str) -> None:
    """To standard error, at once and from any thread."""
    print(printable(line), file=sys.stderr, flush=True)
