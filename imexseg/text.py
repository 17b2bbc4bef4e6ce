"""Text files as editors write them: UTF-8, or UTF-16 with a byte order mark; anything else is refused with an explanation."""

import codecs
from pathlib import Path

from imexseg.errors import UsageError

LARGEST_TEXT = 1 << 30  # bytes

# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def read_text(path: Path, largest: int = LARGEST_TEXT) -> str:
    """The text of a file, with \\n at the end of its lines.

    Raises: UsageError naming the file and the remedy if it is missing, larger than `largest` bytes, or in an encoding that
    can only be guessed, such as Windows-1252.
    """
    try:
        if path.is_dir():
            raise UsageError(f"{path}: is a folder, expected a text file")
        if path.exists() and not path.is_file():
            raise UsageError(f"{path}: is neither a file nor a folder (a pipe or a device); give a text file")
        if path.stat().st_size > largest:
            raise UsageError(
                f"{path}: is larger than {_in_words(largest)}; split it, or check that it is the right file"
            )
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from None
    return decode_text(content, path)


def decode_text(content: bytes, path: Path) -> str:
    """As read_text, of bytes that were read already. Args: path: for messages."""
    mark, encoding = next((found for found in _MARKS if content.startswith(found[0])), (b"", "utf-8"))
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: len(mark) + error.start].count(b"\n") + 1
        raise UsageError(f"{path}: {_what_it_looks_like(content, encoding, line)}; save it as UTF-8") from None
    if "\0" in text:
        raise UsageError(
            f"{path}: has zero bytes: UTF-16 without a byte order mark, or no text at all; save it as UTF-8"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _what_it_looks_like(content: bytes, encoding: str, line: int) -> str:
    if encoding != "utf-8":
        return f"begins like {encoding[:-3].upper()}, but line {line} is not; it is damaged"
    if b"\0" in content[:4096]:
        return "is not text in UTF-8: UTF-16 without a byte order mark, or no text at all"
    start = content.split(b"\n", maxsplit=line)[line - 1][:60]
    shown = "".join(c if c.isprintable() else "?" for c in start.decode("cp1252", errors="replace").strip())
    return f"is not text in UTF-8; line {line} reads {shown!r} in Windows-1252"


def _in_words(n_bytes: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if n_bytes >= size:
            return f"{n_bytes / size:.4g} {unit}"
    return f"{n_bytes} bytes"
