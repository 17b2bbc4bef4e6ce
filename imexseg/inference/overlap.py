"""How much neighbouring tiles must overlap, given the receptive field of an output pixel.

    overlap = 2 r + ramp,   ramp = tile // 8, but from 16 to 64 pixels

r is half the field of view of a network with local layers: a pixel farther than r from the edge of its tile has the same
answer as in the whole image, and tiles are blended over the ramp beyond. An implicit solve sees everything, but its Green's
function falls by e over its decay length ℓ: for such networks r = stride · (3 ℓ + local rings), where ℓ is the longest one,
so that 5 % of the weight lies beyond. Where 2 r + ramp is more than half a tile, it is cut to that, and the command says so.
"""

import math
from typing import Any

SMALLEST_RAMP, LARGEST_RAMP = 16, 64  # pixels


def seen_radius(predictor: Any) -> int:
    """r of a predictor, as its network says (models/contract.py).

    Test-time augmentation sees farther on an image that it has made smaller.
    """
    return math.ceil(predictor.seen_radius / min(getattr(predictor, "scales", (1.0,))))


def smallest_tile(radius: int) -> int:
    """Side in pixels from which on a tile can overlap as much as the rule asks for."""
    return max(4 * radius + 2 * SMALLEST_RAMP, min(math.ceil(16 * radius / 3), 4 * radius + 2 * LARGEST_RAMP))


def overlap_for(radius: int, tile: int) -> tuple[int, bool]:
    """Returns: overlap in pixels, and whether it is as much as the rule asks for."""
    wanted = 2 * radius + min(LARGEST_RAMP, max(SMALLEST_RAMP, tile // 8))
    return min(wanted, tile // 2), wanted <= tile // 2
