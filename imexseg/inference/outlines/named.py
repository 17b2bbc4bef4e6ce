"""What the files of all formats are made from: an image by its name and size, and its parts by class."""

from collections.abc import Sequence
from dataclasses import dataclass

from imexseg.data.description.labels import IGNORE
from imexseg.inference.outlines.parts import Part


@dataclass(frozen=True)
class Outlined:
    """size: (H, W) in pixels, upright.  name: of the image file, as a path relative to what the format says.  parts: of all
    outlined classes, by class number, and IGNORE for those that mean nothing."""

    size: tuple[int, int]
    name: str
    parts: list[Part]


def is_background(name: str) -> bool:
    """Whatever no outline covers. The converters know it by this name too."""
    return name.strip(" _").lower() == "background"


def outlined_classes(names: Sequence[str]) -> list[int]:
    """All that are not the background."""
    return [number for number, name in enumerate(names) if not is_background(name)]


def not_outlined(names: Sequence[str], ignored_too: bool) -> list[int]:
    """Labels without outlines. Args: ignored_too: for formats that cannot say that a pixel means nothing."""
    return [number for number, name in enumerate(names) if is_background(name)] + [IGNORE] * ignored_too
