"""A rotated bar on a pixel grid, in integer arithmetic: image and mask come from the same pixels, on every platform.

A bar is drawn upright at the origin and rotated by nearest-neighbour sampling: the centre of each pixel is turned back
into the frame of the bar and rounded down to a pixel there.
"""

import math
from dataclasses import dataclass

import numpy as np

ANGLES = 1 << 16  # steps of a full turn
_ONE = 1 << 20  # fixed point: cos and sin are rounded to 2⁻²⁰, far from any difference between platforms


@dataclass(frozen=True)
class Bar:
    """A bar with a square at each end; lengths in pixels, centre in half pixels from the top left corner."""

    length: int
    width: int
    angle: int  # in 1/ANGLES of a turn
    centre: tuple[int, int]  # (2·row, 2·column)
    class_number: int
    ends: tuple[int, int]  # grey values

    def cos_sin(self) -> tuple[int, int]:
        turn = 2 * math.pi * self.angle / ANGLES
        return round(math.cos(turn) * _ONE), round(math.sin(turn) * _ONE)

    def half_extent(self) -> tuple[int, int]:
        """Half the height and width of the bar's bounding box, in half pixels, rounded up."""
        cos, sin = (abs(value) for value in self.cos_sin())
        return (
            -(-(self.length * sin + self.width * cos) // _ONE),
            -(-(self.length * cos + self.width * sin) // _ONE),
        )


def rasterise(bar: Bar, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which pixels belong to the bar, to its first end and to its second end: three boolean arrays (size, size)."""
    cos, sin = bar.cos_sin()
    pixel = 2 * np.arange(size, dtype=np.int64) + 1  # pixel centres in half pixels
    row, column = pixel - bar.centre[0], pixel - bar.centre[1]
    # Pixel index along and across the bar; corner of the bar at length//2 and width//2 before its centre.
    along = (((cos * column)[None, :] + (sin * row)[:, None]) >> 21) + bar.length // 2
    across = (((-sin * column)[None, :] + (cos * row)[:, None]) >> 21) + bar.width // 2
    inside = (along >= 0) & (along < bar.length) & (across >= 0) & (across < bar.width)
    return inside, inside & (along < bar.width), inside & (along >= bar.length - bar.width)
