"""The files in a folder. Every listing comes from here: for `check`, `check --init`, `predict` and the converters.

Subfolders are read, links followed. Files that operating systems and editors leave behind are passed over, and all that was
not taken is kept as data, so that it can be counted and named.
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from imexseg.errors import UsageError
from imexseg.text import LARGEST_TEXT, read_text

__all__ = ["LARGEST_TEXT", "Found", "file_key", "find_files", "has_suffix", "is_hidden", "read_text", "some_names"]

SHOWN = 5  # how many file names a message lists
_OF_SYSTEMS = frozenset(
    (
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "#recycle", "$recycle.bin"),
        *("system volume information", "lost+found", "__pycache__"),
    )
)


@dataclass(frozen=True)
class Found:
    """files: those asked for, in the order of their names.  All else that lies there:

    hidden: files and folders of operating systems and editors, or whose name begins with a dot; nobody misses them.
    other: files with another suffix, and what is no file, such as a pipe.
    folders: subfolders that were not read: too deep, or links to what is read anyway.
    broken: links that lead nowhere.
    """

    files: list[Path]
    hidden: list[Path] = field(default_factory=list)
    other: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)

    def remarks(self, root: Path, expected: Collection[Path] = ()) -> list[str]:
        """What was left out, a line for each kind of it.

        Args: expected: files that lie there rightly, such as data.yaml.
        """
        lines = []
        others = [path for path in self.other if path not in set(expected)]
        if others:
            kinds = Counter(path.suffix.lower() or "no suffix" for path in others)
            said = ", ".join(f"{number} with {suffix}" for suffix, number in kinds.most_common())
            lines.append(f"{root}: {_count(others, 'other file')} not read ({said}): {some_names(others)}")
        if self.folders:
            lines.append(f"{root}: {_count(self.folders, 'folder')} not read: {some_names(self.folders)}")
        if self.broken:
            lines.append(f"{root}: {_count(self.broken, 'broken link')}: {some_names(self.broken)}")
        if self.hidden:
            lines.append(f"{root}: {_count(self.hidden, 'hidden or system file')} skipped: {some_names(self.hidden)}")
        return lines


def find_files(folder: Path, suffixes: Collection[str], depth: int | None = None) -> Found:
    """All files below a folder that have one of the suffixes, in any capitals.

    Each folder is read once, whatever links lead to it. Args: suffixes: in lower case, such as ".png"; depth: of the
    subfolders that are read, 0: none, None: all.
    Raises: UsageError if a folder is missing or cannot be read.
    """
    found = Found([])
    root = folder.resolve()
    seen = {root}
    waiting: list[tuple[Path, int]] = [(folder, 0)]
    linked: list[tuple[Path, int]] = []
    while waiting or linked:  # true folders before links, so that a file has the name of its own folder
        here, level = waiting.pop() if waiting else linked.pop(0)
        if level and here.is_symlink():
            target = here.resolve()
            if target in seen or root.is_relative_to(target):
                found.folders.append(here)
                continue
            seen.add(target)
        for entry in _entries(here):
            path = here / entry.name
            if is_hidden(entry.name):
                found.hidden.append(path)
            elif entry.is_symlink() and not path.exists():
                found.broken.append(path)
            elif entry.is_dir():
                if depth is not None and level >= depth:
                    found.folders.append(path)
                elif entry.is_symlink():
                    linked.append((path, level + 1))
                else:
                    seen.add(path.resolve())
                    waiting.append((path, level + 1))
            elif has_suffix(path, suffixes) and entry.is_file():
                found.files.append(path)
            else:
                found.other.append(path)
    for paths in (found.files, found.hidden, found.other, found.folders, found.broken):
        paths.sort()
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        raise UsageError(f"{folder}: no such folder") from None
    except NotADirectoryError:
        raise UsageError(f"{folder}: is a file, expected a folder") from None
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read ({error.strerror}); change its permissions") from None


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or one that operating systems and editors leave behind."""
    return name.startswith((".", "~$")) or name.lower() in _OF_SYSTEMS


def has_suffix(path: PurePath, suffixes: Collection[str]) -> bool:
    """Whether the name ends so, in any capitals."""
    return path.suffix.lower() in suffixes


def file_key(path: PurePath, folder: PurePath) -> str:
    """What an image and its mask have in common: the path below their folders, without suffix.

    In one Unicode form: macOS takes é apart into two characters, others do not.
    """
    return unicodedata.normalize("NFC", path.relative_to(folder).with_suffix("").as_posix())


def some_names(paths: Iterable[Path]) -> str:
    """The first few, and how many more."""
    paths = list(paths)
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(str(path) for path in paths[:SHOWN]) + more


def _count(paths: list[Path], what: str) -> str:
    return f"{len(paths)} {what}{'' if len(paths) == 1 else 's'}"
