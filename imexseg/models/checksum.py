"""A checksum stored in the file itself, to verify that every bit is as it was written.

The metadata of weights and of .onnx files hold the text "imexseg-sha256:" and 64 digits: SHA-256 of the whole file with those
digits set to zero. It needs no library for either format. It finds damage; it is no signature.
"""

import hashlib
import mmap
import re
from pathlib import Path

from imexseg.errors import UsageError

_MARK = b"imexseg-sha256:"
_DIGITS = 64
_SEAL = re.compile(re.escape(_MARK) + rb"[0-9a-f]{64}")

UNSEALED = _MARK.decode() + "0" * _DIGITS  # what metadata hold until the file is sealed


def sealed(content: bytes) -> bytes:
    """The file with its checksum in place of UNSEALED, which it must hold exactly once."""
    before, *rest = content.split(UNSEALED.encode())
    if len(rest) != 1:
        raise ValueError(f"the content holds UNSEALED {len(rest)} times, not once")
    return before + _MARK + hashlib.sha256(content).hexdigest().encode() + rest[0]


def seal_file(path: Path) -> None:
    """The same in place, of a file that nobody else sees yet."""
    path.write_bytes(sealed(path.read_bytes()))


def checked_seal(path: Path) -> str | None:
    """The checksum that a file holds, as it stands in its metadata; None if it holds none: it is older, or not of imexseg.

    Raises: UsageError if the content does not fit it; OSError if the file cannot be read.
    """
    if path.stat().st_size == 0:
        return None
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = [match.span() for match in _SEAL.finditer(content)]
        if not found:
            return None
        start, end = found[0]
        text = content[start:end].decode()
        digest = hashlib.sha256()
        with memoryview(content) as view:
            for piece in (view[: start + len(_MARK)], b"0" * _DIGITS, view[end:]):
                digest.update(piece)
                if isinstance(piece, memoryview):
                    piece.release()
    if len(found) > 1 or digest.hexdigest() != text.removeprefix(_MARK.decode()):
        raise UsageError(f"{path}: is damaged: its checksum does not match; copy or download it again")
    return text
