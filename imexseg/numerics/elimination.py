"""Tridiagonal systems, many beside each other: elimination down and substitution up, along the first axis.

-b_{i-1} u_{i-1} + (own_i + b_{i-1} + b_i) u_i - b_i u_{i+1} = x_i,    own > 0,  b ≥ 0
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Factors(NamedTuple):
    """inverse: reciprocal pivots.  ratios: b_i over pivot i, in the last row too, where it means nothing. Shapes: (n, ...)."""

    inverse: Tensor
    ratios: Tensor


def factorise(own: Sequence[Tensor], coupling: Tensor) -> Factors:
    """Args: own: n tensors that may share storage.  coupling: b, the same between all rows; its shape and theirs broadcast.

    With pivot_i = δ_i + b the recursion for the pivots is δ_i = own_i + (b / pivot_{i-1}) δ_{i-1}. Only positive numbers are
    added up, where a difference would lose `own`, which may be 1 beside a b of thousands.
    """
    excess = own[0]
    inverse, ratios = excess.new_empty(2, len(own), *(excess + coupling).shape)
    for pivot, ratio, following in zip(inverse.unbind(0)[:-1], ratios.unbind(0), own[1:], strict=False):
        torch.add(excess, coupling, out=pivot)
        torch.div(coupling, pivot, out=ratio)
        excess = torch.addcmul(following, ratio, excess)
    inverse[-1] = excess
    return Factors(inverse.reciprocal_(), ratios)


def eliminate(X: Tensor, axis: int, factors: Factors) -> None:
    """Solve in place.

    Args: X: right-hand sides.  axis: -1, -2, …; rows along it broadcast with those of the factors.
    """
    rows, ratios = X.unbind(axis), factors.ratios.unbind(0)
    for i in range(1, len(rows)):
        rows[i].addcmul_(ratios[i - 1], rows[i - 1])
    X.mul_(factors.inverse.movedim(0, axis))
    for i in range(len(rows) - 2, -1, -1):
        rows[i].addcmul_(ratios[i], rows[i + 1])
