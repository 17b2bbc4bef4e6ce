"""The colours of the classes."""

import colorsys
from typing import Annotated

from pydantic import Field

Byte = Annotated[int, Field(ge=0, le=255)]
Colour = tuple[Byte, Byte, Byte]


def default_palette(n: int) -> list[Colour]:
    """n colours: dark for class 0, then hues a golden angle apart, so that neighbours differ."""
    hues = ((0.13 + i * 0.618034) % 1.0 for i in range(n - 1))
    rgb = [colorsys.hsv_to_rgb(hue, 0.65 + 0.2 * (i % 2), 0.95 - 0.25 * (i % 3) / 2) for i, hue in enumerate(hues)]
    return [(40, 42, 54)] + [(round(255 * r), round(255 * g), round(255 * b)) for r, g, b in rgb]
