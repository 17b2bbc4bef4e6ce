"""A mask being drawn: shapes in annotation pixels, rasterised onto the image as it is now; anything unusual is noted."""

from pathlib import Path
from typing import Any

import numpy as np

from imexseg.data.convert.notes import Notes
from imexseg.data.convert.shapes import Pixels, corners_of, ellipse, polygon, rectangle, resized, run_lengths
from imexseg.errors import UsageError

Size = tuple[int, int]  # height, width
_BEYOND = 1.0  # pixels that an outline may reach out of the image without mention


def factors(stated: Size | None, size: Size) -> tuple[float, float] | None:
    """(y, x) that take the pixels of the annotation to those of the image; None if it is not the same image scaled.

    Scaled means: both sides are longer, or both shorter, by one factor, up to less than the pixel that rounding may cost.
    """
    if stated is None or stated == size:
        return 1.0, 1.0
    (h, w), (h0, w0) = size, stated
    same_way = (h > h0) == (w > w0) and h != h0 and w != w0
    agree = max((h - 1) / h0, (w - 1) / w0) < min((h + 1) / h0, (w + 1) / w0)
    return (h / h0, w / w0) if same_way and agree else None


def side(value: Any) -> int | None:
    """A height or width as a tool may write it: a number, or one as text; None for what is unknown (-1, 0, null)."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        return None
    return int(number) if 0 < number < 2**31 and number == int(number) else None


class Canvas:
    """Draws on a mask that begins as background.

    Args: size: of the image.  stated: of the image when it was annotated, if that is known.  source: the annotation file.
    image: its file, or that of the annotation which holds it.
    Raises: UsageError if image and annotation do not fit.
    """

    def __init__(self, size: Size, stated: Size | None, source: Path, image: Path, notes: Notes) -> None:
        scale = factors(stated, size)
        if scale is None:
            assert stated is not None
            raise UsageError(_unlike(size, stated, source, image))
        self.mask = np.zeros(size, dtype=np.uint8)
        self._size, self._scale, self._name, self._notes = size, np.array(scale[::-1]), image.name, notes
        self._overlaps = False
        if stated is None:
            notes.add("images without a stated size, outlines taken in pixels of the file", image.name)
        elif stated != size:
            notes.add("images scaled since they were annotated, outlines scaled alike", self._scaled(stated))

    def _scaled(self, stated: Size) -> str:
        return f"{self._name}: {stated[1]} x {stated[0]} → {self._size[1]} x {self._size[0]}"

    def outline(self, points: Any, value: int, kind: str = "polygon") -> None:
        """Args: points: (n, 2) as (x, y).  kind: polygon, or rectangle of 2 or 4 corners. Raises: ValueError."""
        shape = np.asarray(points, dtype=np.float64) if kind == "rectangle" else corners_of(points)
        if shape.ndim != 2 or shape.shape[1] != 2:
            raise ValueError("an outline must be pairs of numbers")
        shape = shape * self._scale
        pixels = (rectangle if kind == "rectangle" else polygon)(shape, self._size)
        limits = np.array(self._size[::-1])
        low, high = shape.min(axis=0), shape.max(axis=0)
        if (high <= 0).any() or (low >= limits).any():
            self._notes.add("outlines entirely outside the image, left out", self._name)
            return
        if (low < -_BEYOND).any() or (high > limits + _BEYOND).any():
            self._notes.add("outlines that reach beyond the image, cut at its edge", self._name)
        self._draw(pixels, value)

    def circle(self, centre: Any, on_edge: Any, value: int) -> None:
        """Args: (x, y) each. Raises: ValueError."""
        (cx, cy), (ex, ey) = (np.asarray(point, dtype=np.float64) for point in (centre, on_edge))
        x, y = self._scale
        radius = float(np.hypot(ex - cx, ey - cy))
        self._draw(ellipse((cx * x, cy * y), (radius * x, radius * y), self._size), value)

    def runs(self, counts: Any, stated: Size, value: int) -> None:
        """COCO's run lengths, of an image of the stated size. Raises: ValueError."""
        if factors(stated, self._size) is None:
            raise ValueError(
                f"run lengths are for {list(stated)} (height, width), but the image is {list(self._size)}; give the images that "
                "were annotated"
            )
        self.bitmap(run_lengths(counts, stated), value)

    def bitmap(self, inside: np.ndarray, value: int) -> None:
        """Shapes: (h, w) bool, the whole image, perhaps before it was scaled."""
        if inside.shape != self._size:
            self._notes.add("bitmaps scaled to the image", self._name)
            inside = resized(inside, self._size)
        self._draw(Pixels(0, 0, inside), value)

    def _draw(self, pixels: Pixels, value: int) -> None:
        part = pixels.of(self.mask)
        below = part[pixels.inside]
        if not below.size:
            self._notes.add("outlines that contain no pixel centre, left out", self._name)
        elif not self._overlaps and ((below != 0) & (below != value)).any():
            self._overlaps = True
            self._notes.add("images where classes overlap, the later one drawn on top", self._name)
        part[pixels.inside] = value


def _unlike(size: Size, stated: Size, source: Path, image: Path) -> str:
    said = f"{image}: is {size[1]} x {size[0]} px (upright), {source.name} says {stated[1]} x {stated[0]}"
    if stated == size[::-1]:
        return (
            f"{said}: it was annotated lying on its side, without regard to its EXIF orientation, or turned afterwards; turn the "
            "pixels, remove the EXIF tag, and annotate or export again"
        )
    return f"{said}; give the images that were annotated (scaled ones are read if the sides keep their ratio)"
