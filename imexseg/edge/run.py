"""The main loop: one thread reads frames into the queue, this one segments them and shows or writes the result."""

import sys
import threading
import time
from dataclasses import dataclass, field

from imexseg.data.read.as_trained import as_trained
from imexseg.edge.frames import FrameQueue
from imexseg.edge.output import Folder, Window
from imexseg.edge.signals import StopSignal
from imexseg.edge.sources import Frames
from imexseg.errors import ImexsegError, JobError, UsageError, printable
from imexseg.inference.onnx_predictor import OnnxPredictor

_POLL = 0.1  # seconds after which a signal is noticed at the latest, when no frame comes
_REPORT = 2.0  # seconds between two lines on the speed
_LAST_READ = 2.0  # seconds that a camera gets to deliver its last frame


@dataclass
class Speed:
    """Frames and seconds so far."""

    n_frames: int = 0
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
            for name, frame in self.frames:
                if not self.queue.put(name, frame):
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
) -> Speed:
    """Segment until the frames end, the window is closed or a signal comes.

    Args: white: the pixel value that means white.  failures: takes the lines about frames that cannot be segmented; without it
    the first one ends the work, since those of a film are all alike.
    Raises: UsageError, JobError of the network, the source or the folder.
    """
    reader = Reader(frames, queue)
    speed = Speed()
    last_report = speed.start
    said: set[str | None] = {None}
    reader.start()
    try:
        while not stop.received and not (window and window.closed) and not queue.finished:
            item = queue.get(_POLL)
            if item is None:
                continue
            name, image = item
            start = time.perf_counter()
            try:
                pixels, converted = as_trained(image, predictor.info, name, white)
                classes = predictor.classes(pixels, name)
            except UsageError as error:
                if failures is None:
                    raise
                failures.append(str(error))
                continue
            speed.in_model += time.perf_counter() - start
            speed.n_frames += 1
            for remark in (converted, predictor.adaptation(image)):
                if remark not in said:
                    said.add(remark)
                    _say(f"{name}: {remark}")
            for output in (folder, window):
                if output is not None:
                    output.show(name, image, classes)
            if time.monotonic() - last_report > _REPORT:
                last_report = time.monotonic()
                _say(speed.in_words(queue.n_dropped))
    finally:
        queue.close()
        reader.join(_LAST_READ)
    if reader.error is not None and not stop.received:
        raise reader.error if isinstance(reader.error, ImexsegError) else JobError(repr(reader.error))
    return speed


def _say(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)
