"""A run folder belongs to one process: two runs that write to it would mix their files unnoticed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imexseg.errors import UsageError
from imexseg.files import cannot_write

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
_held: set[Path] = set()


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the folder, which is made if need be, until the end of the block or of the process, whichever comes first.

    The lock is the operating system's: a killed process leaves none behind. Raises: UsageError if another training holds it;
    JobError if it cannot be made.
    """
    path = folder.absolute() / LOCK
    if path in _held:
        raise _taken(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _lock(path)
    except BlockingIOError:
        raise _taken(folder) from None
    except OSError as error:
        raise cannot_write(folder, error) from error
    _held.add(path)
    try:
        yield
    finally:
        _held.discard(path)
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)
        with suppress(OSError):
            folder.rmdir()  # only if nothing was written


def _lock(path: Path) -> int:
    """A descriptor that holds the lock. Raises: BlockingIOError."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if fcntl is not None:
                # Of the process, not of the descriptor: loader workers that outlive a killed training do not inherit it.
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(descriptor).st_ino:
                    return descriptor
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EACCES, errno.EAGAIN):  # systems differ in what a held lock is
                raise BlockingIOError from None
            raise
        os.close(descriptor)  # its holder ended, and removed it, between opening and locking


def _taken(folder: Path) -> UsageError:
    return UsageError(
        f"{folder}: another training run is writing to this folder; wait for it, or choose another --output"
    )
