"""Outlines, run lengths and bitmaps as pixels, by one rule for every converter.

A pixel belongs to an outline if its centre, at (column + ½, row + ½), lies inside by the even-odd rule. Outlines are filled by
pycocotools, as COCO's own evaluation does, which first rounds them to fifths of a pixel: a centre less than a third of a pixel
from an edge may fall on either side. On whole pixels the two agree exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as coco

MOST_NUMBERS = 1 << 24  # in one outline or list of runs; more is an attack on the memory
LONGEST = 10**7  # pixels along one outline; pycocotools keeps some 100 bytes for each
_LARGEST = 1e9  # coordinate
_SCALE = 5  # of pycocotools


@dataclass(frozen=True, eq=False)
class Pixels:
    """A part of an image. Shapes: inside (h, w) bool, its first row and column at (top, left) of the image."""

    top: int
    left: int
    inside: np.ndarray

    def of(self, mask: np.ndarray) -> np.ndarray:
        """The part of the mask (H, W) that they lie in, as a view. Shapes: → (h, w)."""
        height, width = self.inside.shape
        return mask[self.top : self.top + height, self.left : self.left + width]


def corners_of(points: Any) -> np.ndarray:
    """Shapes: pairs (x, y) → (n, 2) float64. Raises: ValueError for what is no finite number, and for n < 3."""
    try:
        corners = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("an outline must be pairs of numbers") from None
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or corners.size > MOST_NUMBERS:
        raise ValueError("an outline needs at least three points of two numbers")
    if not np.isfinite(corners).all() or np.abs(corners).max() > _LARGEST:
        raise ValueError("an outline has a coordinate that cannot be a pixel")
    return corners


def polygon(points: Any, size: tuple[int, int]) -> Pixels:
    """Inside of a closed outline. Shapes: points (n, 2) as (x, y) in pixels; size (H, W).

    Raises: ValueError for fewer than three points, for what is no finite number, and for an outline of absurd length.
    Source: cocoapi, common/maskApi.c, rleFrPoly. Differs: only the rectangle around the outline is filled, and what lies more
    than the image's own size outside of it is cut off first; both leave the pixels as they are.
    """
    height, width = size
    corners = _clipped(corners_of(points), (-width, -height), (2 * width, 2 * height))
    if len(corners) < 3:
        return Pixels(0, 0, np.zeros((0, 0), dtype=bool))
    if np.abs(np.diff(corners, axis=0, append=corners[:1])).max(axis=1).sum() > LONGEST:
        raise ValueError(f"an outline is longer than {LONGEST} pixels; draw it with fewer points")
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, (width, height)).astype(int)
    if right <= left or bottom <= top:
        return Pixels(0, 0, np.zeros((0, 0), dtype=bool))
    # Rounded before they are moved, as in the whole image; C rounds towards 0, so negative ones are one less for it.
    fifths = np.trunc(_SCALE * corners + 0.5) - _SCALE * np.array([left, top])
    outline = (np.where(fifths < 0, fifths - 1, fifths) / _SCALE).ravel().tolist()
    runs = coco.frPyObjects([outline], bottom - top, right - left)
    return Pixels(int(top), int(left), coco.decode(runs)[..., 0].astype(bool))


def rectangle(points: Any, size: tuple[int, int]) -> Pixels:
    """Two opposite corners, or all four in any position: Shapes: points (2, 2) or (4, 2) as (x, y)."""
    if len(points) == 2:
        (x0, y0), (x1, y1) = points
        points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    if len(points) != 4:
        raise ValueError(f"a rectangle has 2 or 4 corners, not {len(points)}")
    return polygon(points, size)


def ellipse(centre: Sequence[float], radii: Sequence[float], size: tuple[int, int]) -> Pixels:
    """Pixels whose centres are no farther than the radii. Shapes: centre (x, y), radii (x, y)."""
    (cx, cy), (rx, ry) = (np.asarray(pair, dtype=np.float64) for pair in (centre, radii))
    if not np.isfinite([cx, cy, rx, ry]).all() or max(abs(cx), abs(cy), rx, ry) > _LARGEST:
        raise ValueError("a circle has a coordinate that cannot be a pixel")
    if not min(rx, ry) > 0:
        raise ValueError("a circle has a radius of 0")
    top, bottom = (int(np.clip(y, 0, size[0])) for y in (np.floor(cy - ry), np.ceil(cy + ry) + 1))
    left, right = (int(np.clip(x, 0, size[1])) for x in (np.floor(cx - rx), np.ceil(cx + rx) + 1))
    y, x = np.ogrid[top:bottom, left:right]
    return Pixels(top, left, ((x + 0.5 - cx) / rx) ** 2 + ((y + 0.5 - cy) / ry) ** 2 <= 1)


def run_lengths(counts: Any, size: tuple[int, int]) -> np.ndarray:
    """COCO's run lengths, compressed (text) or not: columns from the left, each from the top, runs of 0 and 1 in turn.

    Shapes: → (H, W) bool. Raises: ValueError if the runs do not make up the image.
    """
    height, width = size
    if isinstance(counts, str):
        return _compressed(counts, size)
    if not isinstance(counts, list) or len(counts) > MOST_NUMBERS or not all(_is_count(n) for n in counts):
        raise ValueError("run lengths must be whole numbers of at least 0")
    total = sum(int(n) for n in counts)
    if total != height * width:
        raise ValueError(f"run lengths add up to {total} pixels, but the image has {height * width}")
    runs = coco.frPyObjects({"size": [height, width], "counts": [int(n) for n in counts]}, height, width)
    return coco.decode(runs).astype(bool)


def _compressed(text: str, size: tuple[int, int]) -> np.ndarray:
    """pycocotools refuses runs of more pixels than the image, but leaves what is missing as it finds the memory: runs make up
    the image exactly if they fit into it, but not into one pixel less."""
    height, width = size
    if not text.isascii() or "\0" in text:
        raise ValueError("compressed run lengths contain a character that they cannot have")
    try:
        pixels = coco.decode({"size": [height, width], "counts": text})
    except ValueError:
        raise ValueError(
            f"compressed run lengths are damaged, or of an image larger than {height * width} pixels"
        ) from None
    try:
        coco.decode({"size": [height * width - 1, 1], "counts": text})
    except ValueError:
        return pixels.astype(bool)
    raise ValueError(f"compressed run lengths are damaged, or of an image smaller than {height * width} pixels")


def _is_count(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value < 2**32 and value == int(value)


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Each pixel takes what lies at its centre. Shapes: (h, w) → (H, W), any dtype."""
    rows, columns = (((np.arange(n) + 0.5) * of / n).astype(int) for n, of in zip(size, pixels.shape, strict=True))
    return pixels[rows[:, None], columns[None]]


def _clipped(corners: np.ndarray, low: tuple[float, float], high: tuple[float, float]) -> np.ndarray:
    """What of an outline lies in a rectangle, unchanged if all of it does. Source: Sutherland & Hodgman 1974."""
    for axis in (0, 1):
        for limit, sign in ((low[axis], 1.0), (high[axis], -1.0)):
            if not len(corners):
                return corners
            distance = sign * (corners[:, axis] - limit)
            if (distance >= 0).all():
                continue
            kept: list[np.ndarray] = []
            for here, after, d, e in zip(
                corners, np.roll(corners, -1, axis=0), distance, np.roll(distance, -1), strict=True
            ):
                if d >= 0:
                    kept.append(here)
                if (d >= 0) != (e >= 0):
                    kept.append(here + (after - here) * (d / (d - e)))
            corners = np.array(kept).reshape(-1, 2)
    return corners
