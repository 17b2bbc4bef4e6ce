"""Running an image of any size through a network of fixed size; the same rule as in apps/web/src/tiles.js.

As it is where it fits, extended by its last row and column where it is smaller, in overlapping tiles where it is larger.
"""

import itertools
from typing import NamedTuple

import numpy as np


class Tile(NamedTuple):
    """Along one axis: where the tile starts, and from where to where (in the image) its result counts. Pixels."""

    start: int
    begin: int
    end: int


def tiles_along(length: int, size: int) -> list[Tile]:
    """Tiles that overlap by at least a quarter; the seam runs through the middle of what neighbours share."""
    if length <= size:
        return [Tile(0, 0, length)]
    overlap = size // 4
    last = -(-(length - overlap) // (size - overlap)) - 1
    starts = [i * (length - size) // last for i in range(last + 1)]
    seams = [(left + size + right) // 2 for left, right in itertools.pairwise(starts)]
    return [Tile(*tile) for tile in zip(starts, [0, *seams], [*seams, length], strict=True)]


def cut(image: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    """A window of (H, W, C), the last row and column repeated beyond its edge."""
    window = image[top : top + height, left : left + width]
    missing = (height - window.shape[0], width - window.shape[1])
    return np.pad(window, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge") if any(missing) else window
