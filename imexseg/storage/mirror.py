"""A data set that lies elsewhere, as a folder here: every file by name and empty, so that it is listed as a local one is.

The content of a file is there only while it is used.
"""

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from imexseg.errors import ImexsegError, UsageError
from imexseg.storage.in_turn import in_turn
from imexseg.storage.places import Url
from imexseg.storage.remote import Remote, fetch, files_below, kind
from imexseg.storage.scratch import scratch_folder

AHEAD = 8  # pairs that are fetched while one is in use


class _Pair(Protocol):
    @property
    def image(self) -> Path: ...

    @property
    def mask(self) -> Path: ...


T = TypeVar("T", bound=_Pair)


@dataclass(frozen=True)
class Mirror:
    """root: the folder here that stands for the one at url. It may be sent to another machine, which has no such folder yet."""

    url: Url
    root: Path

    def require_inside(self, *patterns: str | None) -> None:
        """Raises: UsageError for a pattern of data.yaml that leads out of the folder, and so to files of this machine."""
        for pattern in patterns:
            if pattern is not None and (
                pattern.startswith(("/", "~")) or ".." in pattern.split("/") or "\\" in pattern
            ):
                raise UsageError(
                    f"{self.url}: the pattern {pattern!r} in data.yaml leads out of this folder; name files below it"
                )

    @contextmanager
    def present(self, *paths: Path) -> Iterator[None]:
        """Within it the files have their content. Raises: UsageError if one cannot be read."""
        fetched: list[tuple[Path, bool]] = []
        try:
            for path in paths:
                if path.is_relative_to(self.root):
                    fetched.append((path, path.exists()))
                    self._fetch(path)
            yield
        finally:
            for path, was_there in fetched:
                self._leave(path, was_there)

    def pairs(self, pairs: Iterable[T]) -> Generator[T, None, None]:
        """Each in its turn with its content; the next ones are on their way meanwhile. Raises: as present."""

        def enter(pair: T) -> None:
            for path in (pair.image, pair.mask):
                self._fetch(path)

        def leave(pair: T) -> None:
            for path in (pair.image, pair.mask):
                self._leave(path, was_there=True)

        for pair, _ in in_turn(pairs, enter, leave, AHEAD):
            yield pair

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Errors raised within it name the URL, not the folder here."""
        try:
            yield
        except ImexsegError as error:
            raise type(error)(self.named(str(error))) from None

    def named(self, text: str) -> str:
        return text.replace(str(self.root), str(self.url))

    def _fetch(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fetch(self.url / path.relative_to(self.root).as_posix(), path)

    def _leave(self, path: Path, was_there: bool) -> None:
        """As it was: empty, or not there. The content goes with its name, not before: an array may still map it."""
        with suppress(OSError):
            path.unlink()
            if was_there:
                path.touch()
            else:
                os.removedirs(path.parent)  # those that are empty


@contextmanager
def mirrored(url: Url) -> Iterator[tuple[Mirror, Path]]:
    """Args: url: of a folder with data.yaml, or of the file. Yields: the mirror, and the path here of what was named.

    Raises: UsageError if there is nothing, or it cannot be listed.
    """
    found = kind(url)
    if found == "nothing":
        raise UsageError(f"{url}: no such folder or file; give the URL of a folder with images/, masks/ and data.yaml")
    is_file = isinstance(found, Remote) and not (url.is_web and not url.name.lower().endswith((".yaml", ".yml")))
    top = url.parent if is_file else url
    with scratch_folder() as scratch:
        mirror = Mirror(top, scratch / "data")
        mirror.root.mkdir()
        for remote in files_below(top):
            if remote.below:
                _stand_in(mirror, remote)
        description = mirror.root / (url.name if is_file else "data.yaml")
        if description.exists():
            fetch(top / description.name, description)
        yield mirror, description if is_file else mirror.root


def _stand_in(mirror: Mirror, remote: Remote) -> None:
    path = mirror.root / remote.below
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:  # a name too long, or that of a folder as well
        raise UsageError(
            f"{remote.url}: no file of a disk could have this name ({error.strerror}); rename it"
        ) from None
