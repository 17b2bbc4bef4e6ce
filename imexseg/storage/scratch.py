"""Folders for copies that are needed for a while. A killed process leaves its own behind, unlocked; the next one removes it."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imexseg.files import is_abandoned, lock

PREFIX = "imexseg-"
_NAME = re.compile(re.escape(PREFIX) + r"[a-z0-9_]{8}")
_swept: set[str] = set()


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder of its own in the place for temporary files, removed at the end. Raises: OSError if there is no room for it."""
    _remove_leftovers()
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            descriptor = lock(folder)
        except FileNotFoundError:  # somebody took it for a leftover before it was opened
            continue
        if folder.exists():
            break
        os.close(descriptor)  # somebody took it for a leftover before it was locked
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if descriptor >= 0:
            os.close(descriptor)


def _remove_leftovers() -> None:
    place = tempfile.gettempdir()
    if place in _swept:
        return
    _swept.add(place)
    with suppress(OSError):
        for path in Path(place).iterdir():
            if _NAME.fullmatch(path.name) and not path.is_symlink() and path.is_dir() and is_abandoned(path):
                shutil.rmtree(path, ignore_errors=True)  # of another user: it cannot be, and stays
