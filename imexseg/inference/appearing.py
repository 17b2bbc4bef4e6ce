"""Files that several threads write and one brings to the disk: all that wait, in one round, while the threads go on."""

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from imexseg.files import Part, discard, let_appear, write_part

SYNCING = 4  # threads that wait for the disk; with more of them it costs more time of the cores and takes as long


class AppearingFiles:
    """A `with` block whose files are whole at its end, however it ends; what is written after that disappears again."""

    def __init__(self) -> None:
        self._waiting: list[Part] = []
        self._lock = threading.Lock()
        self._ended = False
        self._appearing = ThreadPoolExecutor(1, "appearing")
        self._syncing = ThreadPoolExecutor(SYNCING, "syncing")

    def __enter__(self) -> "AppearingFiles":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.appear().result()
        finally:
            with self._lock:
                self._ended, rest, self._waiting = True, self._waiting, []
            discard(rest)
            self._appearing.shutdown()
            self._syncing.shutdown()

    def write(self, contents: Mapping[Path, bytes]) -> None:
        """Write the files of one image, to appear together. Raises: WriteError naming the one that cannot be written."""
        parts: list[Part] = []
        try:
            for path, content in contents.items():
                parts.append(write_part(path, content))
            with self._lock:
                if not self._ended:
                    self._waiting += parts
                    parts = []
        finally:
            discard(parts)

    def appear(self) -> Future:
        """Begin to bring to the disk all that was written so far. Done when it is there; raises: WriteError."""
        return self._appearing.submit(self._appear)

    def _appear(self) -> None:
        with self._lock:
            parts, self._waiting = self._waiting, []
        let_appear(parts, self._syncing.map)
