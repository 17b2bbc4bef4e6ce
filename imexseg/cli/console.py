"""What all commands share: the message console, option types, progress bars."""

import argparse
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from imexseg.errors import printable
from imexseg.units import n_bytes


class PrintableConsole(Console):
    """Names of files and classes come from strangers: none of them steers the terminal."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(printable(item) if isinstance(item, str) else item for item in objects), **options)


class PrintableStream:
    """The same for what is printed as a result; characters that its encoding lacks are escaped too."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        text = printable(text)
        try:
            return self._stream.write(text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding or "ascii"
            return self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


# Messages go to stderr, so that stdout carries results only (`imexseg evaluate --json | jq`).
messages = PrintableConsole(
    stderr=True, highlight=False, soft_wrap=True, markup=False
)  # names of files may hold [brackets]


def positive_int(text: str) -> int:
    """An option of at least 1."""
    value = _number(int, text, "a whole number")
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive; give a whole number of at least 1")
    return value


def non_negative_int(text: str) -> int:
    """An option of at least 0."""
    value = _number(int, text, "a whole number")
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative; give a whole number of at least 0")
    return value


def seed(text: str) -> int:
    """An option of 0 to 2³² - 1."""
    value = _number(int, text, "a whole number")
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"{text} is out of range; give 0 to 4294967295")
    return value


def positive_float(text: str) -> float:
    """A finite option above 0."""
    value = _number(float, text, "a number")
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text} is not positive; give a number above 0")
    return value


def non_negative_float(text: str) -> float:
    """A finite option of at least 0."""
    value = _number(float, text, "a number")
    if not (value >= 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text} is negative or not finite; give a number of at least 0")
    return value


def size_in_bytes(text: str) -> int:
    """An option of bytes: 2GiB, 500MB, 100kB."""
    try:
        return n_bytes(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def workers(text: str) -> int | str:
    """An option of at least 0, or auto."""
    return text if text == "auto" else non_negative_int(text)


def crop_size(text: str) -> int | tuple[int, int]:
    """An option of pixels: N, or HxW."""
    if "x" in text:
        height, _, width = text.partition("x")
        return positive_int(height), positive_int(width)
    return positive_int(text)


def network_settings(text: str) -> dict[str, Any]:
    """An option of KEY=VALUE pairs with commas between them. Values as in YAML; a list, one value a scale, as 16+24."""
    settings: dict[str, Any] = {}
    for pair in text.split(","):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (key and equals and value):
            raise argparse.ArgumentTypeError(
                f"{pair!r} is not KEY=VALUE, such as dynamics=hamiltonian-imex or width=16+24"
            )
        if key in settings:
            raise argparse.ArgumentTypeError(f"{key} is given twice in {text!r}; remove one of them")
        values = [_plain(part) for part in re.split(r"(?<![0-9.][eE])\+", value)]
        settings[key] = values if len(values) > 1 else values[0]
    return settings


def _plain(text: str) -> bool | int | float | str:
    """As YAML reads it; names need no quotes."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def fraction(text: str) -> float:
    """An option of 0 to 1."""
    value = _number(float, text, "a number")
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is out of range; give 0 to 1, a fraction of the largest pixel value")
    return value


def _number(kind: Callable, text: str, expected: str):
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}") from None


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing elsewhere; yields progress(n_done, n_total)."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda n_done, n_total: bar.update(task, completed=n_done, total=n_total)


def counted(number: int, noun: str) -> str:
    """1 image, 2 images."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def in_words(path: Path) -> str:
    """A path as a person would type it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
