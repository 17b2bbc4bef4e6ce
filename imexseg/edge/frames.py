"""Frames, and a short queue of them between their source and the network."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    Shapes: image (H, W, C) uint8, uint16 or float32; void (H, W) bool, where it means nothing, or None.
    name: that its results get.  path: the file that it is, None for a frame of a film or a camera.  taken: when it was read, in
    seconds since 1970.
    """

    name: str
    image: np.ndarray
    void: np.ndarray | None = None
    path: Path | None = None
    taken: float = field(default_factory=time.time)

    @property
    def label(self) -> str:
        """What messages call it."""
        return str(self.path or self.name)


class FrameQueue:
    """At most `size` frames wait. One too many drops the oldest (live), or makes the source wait (every_frame).

    The consumer sees the newest pictures there are, however slow it is, and memory does not grow with its slowness.
    """

    def __init__(self, size: int = 2, every_frame: bool = False):
        if size < 1:
            raise ValueError(f"a queue must hold at least one frame, got {size}")
        self.size = size
        self.every_frame = every_frame
        self.n_dropped = 0
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, frame: Frame) -> bool:
        """Add a frame; returns False once the queue is closed: the source may end."""
        with self._changed:
            if self.every_frame:
                self._changed.wait_for(lambda: self._closed or len(self._frames) < self.size)
            if self._closed:
                return False
            if len(self._frames) == self.size:
                self._frames.popleft()
                self.n_dropped += 1
            self._frames.append(frame)
            self._changed.notify_all()
            return True

    def close(self) -> None:
        """No more frames: those that wait are still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def get(self, timeout: float) -> Frame | None:
        """The oldest frame that waits; None if none comes within so many seconds or the queue is finished."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._closed, timeout)
            if not self._frames:
                return None
            frame = self._frames.popleft()
            self._changed.notify_all()
            return frame

    @property
    def finished(self) -> bool:
        """Closed, and every frame handed out."""
        with self._changed:
            return self._closed and not self._frames
