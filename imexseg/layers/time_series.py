"""The weights of a flow as functions of time: what changes from one step to the next."""

from itertools import pairwise

from torch import Tensor, nn

from imexseg.layers.flows import Flow


def kernels_in_time(flow: Flow) -> list[list[nn.Parameter]]:
    """For every kernel of a step (weights with more than one axis: no scales, shifts), its values in the order of time."""
    series = []
    for row in flow.rows():
        if row:
            names = [name for name, p in row[0].named_parameters() if p.ndim > 1]
            series += [[step.get_parameter(name) for step in row] for name in names]
    return series


def time_smoothness(flow: Flow, h: float) -> Tensor | float:
    """h Σⱼ Σ √(((θⱼ₊₁ - θⱼ)/h)² + ε), ε = 1e-3: smoothed total variation in time of all kernels θ of a flow.

    Args: h: step size, the distance in time of neighbouring steps.
    Properties: ≥ 0; smallest where the weights do not change in time.
    Source: Haber and Ruthotto 2017, arXiv:1705.03341, section 4.1. Differs: total variation, not a square.
    """
    total: Tensor | float = 0.0
    for kernels in kernels_in_time(flow):
        for now, then in pairwise(kernels):
            total = total + h * (((then - now) / h).square() + 1e-3).sqrt().sum()
    return total
