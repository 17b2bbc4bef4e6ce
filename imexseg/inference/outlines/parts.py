"""The parts of a mask: each connected piece of a class, as an outline with holes or as a single closed line."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from imexseg.inference.outlines.simplify import simplified
from imexseg.inference.outlines.trace import trace


@dataclass(frozen=True, eq=False)
class Part:
    """Corners (n, 2) int64 as (x, y) in pixels, 0 the left or upper edge of the image; area: in pixels of the mask."""

    label: int
    outer: np.ndarray
    holes: list[np.ndarray]
    area: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x, y, width and height."""
        low, high = self.outer.min(axis=0).tolist(), self.outer.max(axis=0).tolist()
        return low[0], low[1], high[0] - low[0], high[1] - low[1]

    def as_one_line(self) -> np.ndarray:
        """Outline and holes as one closed line, for formats that have no holes. Shapes: → (n, 2).

        It goes to each hole and back on the same way, which encloses nothing; holes run against the outline. So a hole is left
        out by the even-odd rule as well as by the nonzero one.
        """
        line = self.outer
        for hole in sorted(self.holes, key=lambda ring: tuple(ring.min(axis=0).tolist())):
            begin = int(np.lexsort((hole[:, 1], hole[:, 0]))[0])  # its leftmost corner
            nearest = int(((line - hole[begin]) ** 2).sum(axis=1).argmin())
            there_and_back = [line[: nearest + 1], hole[begin:], hole[: begin + 1], line[nearest:]]
            line = np.concatenate(there_and_back)
        return line


def parts_of(mask: np.ndarray, tolerance: float, left_out: Collection[int] = ()) -> list[Part]:
    """The large ones first: where drawing order matters, small ones lie on top.

    Shapes: mask (H, W) uint8. Args: tolerance: in pixels, see simplify.py; 0 keeps every corner.  left_out: labels that are not
    outlined.
    """
    exact = trace(mask, left_out)
    rings = simplified(exact, tolerance)
    of_part: dict[int, list[int]] = {}
    for ring, part in enumerate(rings.parts.tolist()):
        of_part.setdefault(part, []).append(ring)

    def corners(ring: int) -> np.ndarray:
        return rings.corners[rings.starts[ring] : rings.starts[ring + 1]]

    parts = [
        Part(
            int(rings.labels[part]),
            corners(part),
            [corners(ring) for ring in of if ring != part],
            int(exact.areas[of].sum()),
        )
        for part, of in of_part.items()
    ]
    return sorted(parts, key=lambda part: -part.area)
