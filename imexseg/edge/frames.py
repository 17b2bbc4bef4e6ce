"""A short queue between the source of frames and the network."""

import threading
from collections import deque

import numpy as np


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
        self._frames: deque[tuple[str, np.ndarray]] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, name: str, frame: np.ndarray) -> bool:
        """Add a frame; returns False once the queue is closed: the source may end."""
        with self._changed:
            if self.every_frame:
                self._changed.wait_for(lambda: self._closed or len(self._frames) < self.size)
            if self._closed:
                return False
            if len(self._frames) == self.size:
                self._frames.popleft()
                self.n_dropped += 1
            self._frames.append((name, frame))
            self._changed.notify_all()
            return True

    def close(self) -> None:
        """No more frames: those that wait are still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def get(self, timeout: float) -> tuple[str, np.ndarray] | None:
        """The oldest frame that waits; None if none comes within so many seconds or the queue is finished."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._closed, timeout)
            if not self._frames:
                return None
            item = self._frames.popleft()
            self._changed.notify_all()
            return item

    @property
    def finished(self) -> bool:
        """Closed, and every frame handed out."""
        with self._changed:
            return self._closed and not self._frames
