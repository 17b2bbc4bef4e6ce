"""How much neighbouring tiles must overlap, given the receptive field of an output pixel.

    overlap = 2 r + ramp,   ramp = max(16, tile // 8)

r is half the field of view of a network with local layers: a pixel farther than r from the edge of its tile has the same
answer as in the whole image, and tiles are blended over the ramp beyond. An implicit solve sees everything, but its Green's
function falls by e over its decay length ℓ: for such networks r = stride · (3 ℓ + local rings), where ℓ is the longest one,
so that 5 % of the weight lies beyond. Where 2 r + ramp is more than half a tile, it is cut to that, and the command says so.
"""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imexseg.layers.implicit import ImplicitSolve
    from imexseg.models.network import ImageNetwork

DECAY_LENGTHS = 3.0
SMALLEST_RAMP = 16  # pixels


def seen_radius_of(network: "ImageNetwork") -> int:
    """Pixels from a pixel that its answer depends on, or mostly depends on."""
    from imexseg.layers.implicit import solves
    from imexseg.models.network import SegmentationNetwork
    from imexseg.models.summary import field_of_view

    if not isinstance(network, SegmentationNetwork):
        own = 8 * network.total_stride  # an encoder of another library sees that far, roughly
        return max([own, *(_decay(solve, network.total_stride) for solve in solves(network))])
    view = field_of_view(network.config)
    if view is not None:
        return math.ceil(view / 2)
    radius = 0
    for k, stage in enumerate(network.backbone.stages):
        stride = network.config.stride * (2**k if network.config.pool else 1)
        radius = max([radius, *(_decay(solve, stride) for solve in solves(stage))])
    return radius


def _decay(solve: "ImplicitSolve", stride: int) -> int:
    """Pixels within which a solve on a grid of that stride has most of its weight."""
    return math.ceil(stride * (DECAY_LENGTHS * float(solve.decay_lengths().detach().max()) + 2))


def seen_radius(predictor: Any) -> int:
    """The same for a predictor; test-time augmentation sees farther on an image that it has made smaller."""
    return math.ceil(predictor.seen_radius / min(getattr(predictor, "scales", (1.0,))))


def smallest_tile(radius: int) -> int:
    """Side in pixels from which on a tile can overlap as much as the rule asks for."""
    return max(4 * radius + 2 * SMALLEST_RAMP, math.ceil(16 * radius / 3))


def overlap_for(radius: int, tile: int) -> tuple[int, bool]:
    """Returns: overlap in pixels, and whether it is as much as the rule asks for."""
    wanted = 2 * radius + max(SMALLEST_RAMP, tile // 8)
    return min(wanted, tile // 2), wanted <= tile // 2
