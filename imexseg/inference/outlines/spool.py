"""Lines of text of many images, kept on the disk until all are there: threads add them as they come."""

import tempfile
import threading
from collections.abc import Iterator, Sequence


class Spool:
    """A `with` block around a temporary file."""

    def __enter__(self) -> "Spool":
        self._file = tempfile.TemporaryFile()
        self._lock = threading.Lock()
        self._places: dict[int, tuple[int, int]] = {}  # number ↦ where its lines begin, and how many bytes they are
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, number: int, lines: Sequence[str]) -> None:
        """Lines without line breaks."""
        content = "\n".join(lines).encode()
        with self._lock:
            self._places[number] = (self._file.seek(0, 2), len(content))
            self._file.write(content)

    def of(self, numbers: Sequence[int]) -> "Lines":
        return Lines(self, numbers)

    def read(self, number: int) -> list[str]:
        with self._lock:
            start, length = self._places[number]
            self._file.seek(start)
            return self._file.read(length).decode().split("\n")


class Lines:
    """Those of each number in turn, as often as they are asked for."""

    def __init__(self, spool: Spool, numbers: Sequence[int]):
        self._spool, self._numbers = spool, numbers

    def __iter__(self) -> Iterator[list[str]]:
        return map(self._spool.read, self._numbers)
