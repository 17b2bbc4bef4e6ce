"""How much neighbouring tiles must overlap, from what one pixel of the answer sees.

    overlap = 2 r + ramp,   ramp = max(16, tile // 8)

r is half the field of view of a network with local layers: a pixel farther than r from the edge of its tile has the same
answer as in the whole image, and tiles are blended over the ramp beyond. An implicit solve sees everything, but its Green's
function falls by e over its decay length ℓ: for such networks r = stride · (3 ℓ + local rings), where ℓ is the longest one,
so that 5 % of the weight lies beyond. Where 2 r + ramp is more than half a tile, it is cut to that, and the command says so.
"""

import math
from typing import Any

from imexseg.layers.implicit import ImplicitSolve
from imexseg.models.registry import field_of_view

DECAY_LENGTHS = 3.0
SMALLEST_RAMP = 16  # pixels


def seen_radius(predictor: Any) -> int:
    """Pixels from a pixel that its answer depends on, or mostly depends on, for any predictor with an `info`."""
    config = predictor.info.network
    view = field_of_view(config)
    smallest = min(getattr(predictor, "scales", (1.0,)))  # of test-time augmentation: a smaller image is seen farther
    if view is not None:
        return math.ceil(view / 2 / smallest)
    network = getattr(predictor, "network", None)
    solves = [m for m in network.modules() if isinstance(m, ImplicitSolve)] if network is not None else []
    longest = max(
        (float(solve.decay_lengths().detach().max()) for solve in solves), default=getattr(config, "longest", 24.0)
    )
    stride = getattr(config, "stride", 16)
    return math.ceil(stride * (DECAY_LENGTHS * longest + 2) / smallest)


def smallest_tile(radius: int) -> int:
    """Side in pixels from which on a tile can overlap as much as the rule asks for."""
    return max(4 * radius + 2 * SMALLEST_RAMP, math.ceil(16 * radius / 3))


def overlap_for(radius: int, tile: int) -> tuple[int, bool]:
    """Returns: overlap in pixels, and whether it is as much as the rule asks for."""
    wanted = 2 * radius + max(SMALLEST_RAMP, tile // 8)
    return min(wanted, tile // 2), wanted <= tile // 2
