"""How much memory a network needs to segment an image of a given size, so that tiles can be chosen to fit.

Counted, not timed or sampled: the same network gives the same answer on every machine, and so the same tiles and the same masks.
"""

from collections.abc import Callable
from dataclasses import dataclass

PROBED = 128  # pixels: side of the smaller of two images on which it is counted, if they are not scaled


@dataclass(frozen=True)
class Footprint:
    """fixed: bytes whatever the size.  per_pixel: bytes of each pixel of the image."""

    fixed: float
    per_pixel: float

    def of(self, n_pixels: int) -> int:
        """Bytes that an image of so many pixels needs, besides what the process has already."""
        return round(self.fixed + self.per_pixel * n_pixels)

    def scaled(self, scale: float) -> "Footprint":
        """Of the same network, which is shown the image at another scale."""
        return Footprint(self.fixed, self.per_pixel * scale**2)

    def plus(self, per_pixel: float) -> "Footprint":
        """With so many more bytes a pixel."""
        return Footprint(self.fixed, self.per_pixel + per_pixel)


def counted(most_bytes: Callable[[int], int], long_side: int | None, slack: float) -> Footprint:
    """A straight line through two sizes.

    Args: most_bytes: side of a square image in pixels ↦ bytes in use at once, at most.  long_side: that the network scales
        images to: those that are counted are larger, or what it costs to scale them would not be seen.  slack: the factor by
        which the process grows more than by what is in use.
    """
    small = PROBED if long_side is None else 2 * long_side
    few, many = most_bytes(small), most_bytes(2 * small)
    per_pixel = max(0.0, (many - few) / (3 * small**2))
    return Footprint(slack * max(0.0, few - per_pixel * small**2), slack * per_pixel)
