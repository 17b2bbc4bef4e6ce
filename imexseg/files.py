"""Files and folders that appear whole or not at all, however the process that writes them ends.

What is being written has a name of its own beside the target, `.NAME.XXXXXXXX.part`, and is locked while its writer lives. A
killed process leaves it behind unlocked; the next one that writes into the same folder removes it.
"""

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imexseg.errors import JobError, UsageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_PART = re.compile(r"\..+\.[0-9a-f]{8}\.part")
_ABANDONED = 24 * 3600  # seconds: where a file system has no locks, what is older has no writer
_swept: set[Path] = set()


@contextmanager
def appearing_whole(path: Path) -> Iterator[Path]:
    """A path beside the target to write to piece by piece; renamed to the target at the end, removed after a failure.

    Raises: JobError naming the file if it cannot be written.
    """
    with _building(path, folder=False) as temporary:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)


@contextmanager
def folder_appearing_whole(path: Path) -> Iterator[Path]:
    """The same for a folder; the target must not exist, or be empty. Raises: JobError if it cannot be written."""
    with _building(path, folder=True) as temporary:
        yield temporary
        temporary.replace(path)


def require_unused(folder: Path) -> None:
    """Before the work begins. Raises: UsageError if there is something where the folder shall appear."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: exists and is not empty; choose another folder")


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write beside the target, then rename over it. Raises: JobError naming the file if it cannot be written."""
    with appearing_whole(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def cannot_write(path: Path, error: OSError) -> JobError:
    """Which file, why, and a remedy that fits the reason."""
    return JobError(f"{path}: cannot be written ({error.strerror or error}); {remedy(error)}")


def remedy(error: OSError) -> str:
    """What helps against a failure of the file system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free some space there and try again"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "change its permissions, or choose another place"
    if error.errno == errno.ENAMETOOLONG:
        return "choose a shorter name"
    if error.errno == errno.EIO:
        return "check the disk or the network it is on"
    return "choose another place"


@contextmanager
def _building(path: Path, folder: bool) -> Iterator[Path]:
    temporary: Path | None = None
    descriptor = -1
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.absolute().parent)
        temporary, descriptor = _claim(path, folder)
        yield temporary
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if temporary is not None:
            _remove(temporary)
        if descriptor >= 0:
            os.close(descriptor)


def _claim(path: Path, folder: bool) -> tuple[Path, int]:
    """A new file or folder beside the path, and a descriptor that holds its lock (-1 where there are none)."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        if folder:
            temporary.mkdir()
        else:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        if fcntl is None:
            return temporary, -1
        descriptor = os.open(temporary, os.O_RDONLY)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if temporary.exists():
            return temporary, descriptor
        os.close(descriptor)  # somebody took it for a leftover before it was locked


def _remove_leftovers(folder: Path) -> None:
    """Once a process and folder: listing a folder of ten thousand masks for each of them would take longer than writing."""
    if folder in _swept:
        return
    _swept.add(folder)
    for path in folder.iterdir():
        if _PART.fullmatch(path.name) and not path.is_symlink() and _is_abandoned(path):
            _remove(path)


def _is_abandoned(path: Path) -> bool:
    if fcntl is not None:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False
        except OSError:
            pass
        finally:
            os.close(descriptor)
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > _ABANDONED
    return False


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)
