"""Outlines and run lengths as pixels. A pixel belongs to an outline if its centre, at (column + ½, row + ½), lies inside."""

from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_NUMBERS = 1 << 24  # in one outline or list of runs; more is an attack on the memory


def polygon(points: Any, size: tuple[int, int]) -> np.ndarray:
    """Inside of a closed outline by the even-odd rule. Shapes: points (n, 2) as (x, y) in pixels → (H, W) bool.

    Raises: ValueError for fewer than three points, or what is no finite number.
    """
    try:
        corners = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("an outline must be pairs of numbers") from None
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or corners.size > MOST_NUMBERS:
        raise ValueError("an outline needs at least three points of two numbers")
    if not np.isfinite(corners).all() or np.abs(corners).max() > 1e9:
        raise ValueError("an outline has a coordinate that is no pixel")
    height, width = size
    toggles = np.zeros((height, width + 1), dtype=np.int32)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        rows = np.arange(max(0, int(np.ceil(y0 - 0.5))), min(height, int(np.ceil(y1 - 0.5))))
        crossings = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
        columns = np.clip(np.ceil(crossings - 0.5), 0, width).astype(np.int64)
        np.add.at(toggles, (rows, columns), 1)
    return np.cumsum(toggles, axis=1)[:, :width] % 2 == 1


def circle(centre: Sequence[float], on_edge: Sequence[float], size: tuple[int, int]) -> np.ndarray:
    """Pixels no farther from the centre than a point on the edge. Shapes: (x, y), (x, y) → (H, W) bool."""
    (cx, cy), (ex, ey) = (np.asarray(point, dtype=np.float64) for point in (centre, on_edge))
    if not np.isfinite([cx, cy, ex, ey]).all():
        raise ValueError("a circle has a coordinate that is no pixel")
    y, x = np.ogrid[: size[0], : size[1]]
    return (x + 0.5 - cx) ** 2 + (y + 0.5 - cy) ** 2 <= (ex - cx) ** 2 + (ey - cy) ** 2


def runs(counts: str | bytes | Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """COCO's run lengths, compressed or not: columns from the left, each from the top, runs of 0 and 1 in turn.

    Shapes: → (H, W) bool. Raises: ValueError if the runs do not make up the image.
    """
    height, width = size
    if isinstance(counts, bytes):
        counts = counts.decode("ascii", errors="replace")
    lengths = _uncompressed(counts) if isinstance(counts, str) else list(counts)
    if len(lengths) > MOST_NUMBERS or not all(isinstance(n, int) and n >= 0 for n in lengths):
        raise ValueError("run lengths must be whole numbers of at least 0")
    if sum(lengths) != height * width:
        raise ValueError(f"run lengths make {sum(lengths)} pixels, the image has {height * width}")
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(width, height).T


def _uncompressed(text: str) -> list[int]:
    """Five bits a letter, the sixth says that more follow; from the third on, what is added to the last but one.

    Source: cocoapi, common/maskApi.c, rleFrString. Differs: a string that ends within a number is an error.
    """
    lengths: list[int] = []
    number = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise ValueError("compressed run lengths have a letter that is none of theirs")
        number |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                number -= 1 << shift
            lengths.append(number + lengths[-2] if len(lengths) > 2 else number)
            number = shift = 0
    if shift:
        raise ValueError("compressed run lengths end within a number")
    return lengths
