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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imexseg.errors import UsageError, WriteError

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

    Raises: WriteError naming the file if it cannot be written.
    """
    with _building(path, folder=False) as temporary:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)


@contextmanager
def folder_appearing_whole(path: Path) -> Iterator[Path]:
    """The same for a folder; the target must not exist, or be empty. Raises: WriteError if it cannot be written."""
    with _building(path, folder=True) as temporary:
        yield temporary
        temporary.replace(path)


def require_unused(folder: Path) -> None:
    """Before the work begins. Raises: UsageError if there is something where the folder shall appear."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: exists and is not empty; choose another folder")


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write beside the target, then rename over it. Raises: WriteError naming the file if it cannot be written."""
    let_appear([write_part(path, content.encode() if isinstance(content, str) else content)])


@dataclass(frozen=True)
class Part:
    """A file that is written beside its target and waits for let_appear or discard. descriptor: holds its lock; -1: none."""

    path: Path
    temporary: Path
    descriptor: int


def write_part(path: Path, content: bytes) -> Part:
    """The first half of write_atomically, for those who write many files. Raises: WriteError if it cannot be written."""
    part: Part | None = None
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.absolute().parent)
        part = Part(path, *_claim(path, folder=False))
        with open(
            part.temporary if part.descriptor < 0 else part.descriptor, "wb", closefd=part.descriptor < 0
        ) as file:
            file.write(content)
        return part
    except BaseException as error:
        discard([part] if part is not None else [])
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise


def let_appear(parts: Sequence[Part], each: Callable[[Callable, Iterable], Iterable[Any]] = map) -> None:
    """The second half: bring all to the disk, then rename each to its target. Those that cannot are removed.

    Args: each: as map; one of several threads is faster, since the disk writes together what is asked for together.
    Raises: WriteError naming the first file that cannot be written; others may have appeared.
    """
    try:
        for _ in each(_to_disk, parts):
            pass
        for part in parts:
            try:
                part.temporary.replace(part.path)
            except OSError as error:
                raise cannot_write(part.path, error) from error
    finally:
        discard(parts)


def discard(parts: Sequence[Part]) -> None:
    """Remove what has not appeared, and let go of the locks. Once for each part."""
    for part in parts:
        _remove(part.temporary)
        if part.descriptor >= 0:
            os.close(part.descriptor)


def _to_disk(part: Part) -> None:
    try:
        if part.descriptor >= 0:
            os.fsync(part.descriptor)
        else:
            with open(part.temporary, "rb+") as file:
                os.fsync(file.fileno())
    except OSError as error:
        raise cannot_write(part.path, error) from error


def cannot_write(path: Path, error: OSError) -> WriteError:
    """Which file, why, and a remedy that fits the reason."""
    return WriteError(f"{path}: cannot be written ({error.strerror or error}); {remedy(error)}")


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
        # Made and locked through one descriptor; NFS locks only what is open for writing.
        how = os.O_RDONLY if folder else os.O_RDWR | os.O_CREAT | os.O_EXCL
        if fcntl is None:
            if not folder:
                os.close(os.open(temporary, how, 0o666))  # Windows renames nothing that is open
            return temporary, -1
        descriptor = os.open(temporary, how, 0o666)
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
