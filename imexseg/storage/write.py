"""A file that appears whole, wherever it is to lie."""

from collections.abc import Iterable
from pathlib import Path

from imexseg.files import appearing_whole
from imexseg.storage.places import Place
from imexseg.storage.scratch import scratch_folder


def write_at(place: Place, content: bytes | Iterable[str]) -> None:
    """Args: content: bytes, or text piece by piece, as UTF-8. Raises: WriteError naming the place if it cannot be written."""
    if isinstance(place, Path):
        with appearing_whole(place) as temporary:
            _write(temporary, content)
        return
    from imexseg.storage.remote import put

    with scratch_folder() as scratch:
        _write(scratch / "content", content)
        put(scratch / "content", place)


def _write(path: Path, content: bytes | Iterable[str]) -> None:
    with open(path, "wb") as file:
        for piece in [content] if isinstance(content, bytes) else content:
            file.write(piece.encode("utf-8", "surrogateescape") if isinstance(piece, str) else piece)
