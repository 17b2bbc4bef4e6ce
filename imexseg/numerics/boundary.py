"""Extending an image by one pixel on each side, and the adjoint of that map.

A 3×3 stencil needs a ring of one pixel around the grid. Each boundary says which row (and column) of the image fills it, times a
factor. "periodic" wraps round to the opposite edge; "reflect" mirrors at the edge of the pixel (half-sample symmetric, which for
one pixel repeats the edge value), the discrete homogeneous Neumann condition; "zero" is zero outside, the discrete homogeneous
Dirichlet condition, which lets a network know how far from the edge it is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from imexseg.numerics.layout import empty_like


@dataclass(frozen=True)
class Ring:
    """The ring's first row is `factor` times row `first` of the image, its last one `factor` times row `last`; so are columns.

    first and last are 0 or -1.
    """

    first: int
    last: int
    factor: float = 1.0

    @property
    def padding(self) -> int:
        """1 where the ring is of zeros: a convolution has those by itself, without a copy of the image."""
        return 1 if self.factor == 0 else 0

    @property
    def wraps_round(self) -> bool:
        return (self.first, self.last, self.factor) == (-1, 0, 1.0)


# layers/implicit.py has the solve that goes with each.
BOUNDARIES: dict[str, Ring] = {"periodic": Ring(-1, 0), "reflect": Ring(0, -1), "zero": Ring(0, -1, factor=0.0)}


def check_boundary(boundary: str) -> str:
    """Return boundary. Raises: ValueError naming the choices if there is none of that name."""
    if boundary not in BOUNDARIES:
        raise ValueError(f"unknown boundary {boundary!r}; choose one of {', '.join(BOUNDARIES)}")
    return boundary


def extend(Y: Tensor, boundary: str) -> Tensor:
    """P: (B, C, H, W) → (B, C, H+2, W+2)."""
    ring = BOUNDARIES[check_boundary(boundary)]
    return _extended(Y, ring) if torch.compiler.is_exporting() else _Extend.apply(Y, ring)


def extend_adjoint(Z: Tensor, boundary: str) -> Tensor:
    """Pᵀ: (B, C, H+2, W+2) → (B, C, H, W): every pixel of the ring is added back to the pixel it was copied from."""
    ring = BOUNDARIES[check_boundary(boundary)]
    return _folded_back(Z, ring) if torch.compiler.is_exporting() else _ExtendAdjoint.apply(Z, ring)


def for_convolution(Y: Tensor, boundary: str) -> tuple[Tensor, int]:
    """What a 3×3 convolution that keeps the size is given: the image with its ring, and the padding that it adds by itself."""
    padding = BOUNDARIES[boundary].padding
    return (Y if padding else extend(Y, boundary)), padding


def adjoint_of_convolution(Z: Tensor, boundary: str, transposed: Callable[[Tensor, int], Tensor]) -> Tensor:
    """Kᵀ of a 3×3 convolution K behind for_convolution. Args: transposed: (Z, padding) ↦ its transposed convolution."""
    ring = BOUNDARIES[boundary]
    if ring.padding:
        return transposed(Z, ring.padding)
    if ring.wraps_round and torch.compiler.is_exporting():
        return transposed(extend(Z, boundary), 2)  # one copy of the image less
    return extend_adjoint(transposed(Z, 0), boundary)


class _Extend(torch.autograd.Function):
    """P forward, Pᵀ backward. Autograd through F.pad's circular mode takes twenty times as long."""

    @staticmethod
    def forward(ctx, Y: Tensor, ring: Ring) -> Tensor:
        ctx.ring = ring
        if ring.factor == 0:
            return F.pad(Y, (1, 1, 1, 1))
        height, width = Y.shape[-2:]
        out = empty_like(Y, (*Y.shape[:-2], height + 2, width + 2))
        out[..., 1:-1, 1:-1] = Y
        out[..., 0, 1:-1], out[..., -1, 1:-1] = ring.factor * Y[..., ring.first, :], ring.factor * Y[..., ring.last, :]
        # Columns last, from the rows just filled: the corners come along.
        inner = out[..., 1:-1]
        out[..., 0], out[..., -1] = ring.factor * inner[..., ring.first], ring.factor * inner[..., ring.last]
        return out

    @staticmethod
    def backward(ctx, G: Tensor):
        return _ExtendAdjoint.apply(G, ctx.ring), None


class _ExtendAdjoint(torch.autograd.Function):
    """Pᵀ forward, P backward."""

    @staticmethod
    def forward(ctx, Z: Tensor, ring: Ring) -> Tensor:
        ctx.ring = ring
        if ring.factor == 0:
            return Z[..., 1:-1, 1:-1].clone()
        columns = Z[..., 1:-1].clone()
        columns[..., ring.first] += ring.factor * Z[..., 0]
        columns[..., ring.last] += ring.factor * Z[..., -1]
        out = columns[..., 1:-1, :].clone()
        out[..., ring.first, :] += ring.factor * columns[..., 0, :]
        out[..., ring.last, :] += ring.factor * columns[..., -1, :]
        return out

    @staticmethod
    def backward(ctx, G: Tensor):
        return _Extend.apply(G, ctx.ring), None


def _extended(Y: Tensor, ring: Ring) -> Tensor:
    """P without writing in place, as the exporter wants it."""
    if ring == BOUNDARIES["reflect"]:
        return F.pad(Y, (1, 1, 1, 1), mode="replicate")
    for axis in (-2, -1):
        ends = {0: _slice(Y, axis, slice(0, 1)), -1: _slice(Y, axis, slice(-1, None))}
        Y = torch.cat([_times(ring.factor, ends[ring.first]), Y, _times(ring.factor, ends[ring.last])], dim=axis)
    return Y


def _folded_back(Z: Tensor, ring: Ring) -> Tensor:
    """Pᵀ without writing in place, as _extended. At least two pixels a side."""
    for axis in (-2, -1):
        before, first, inner, last, behind = Z.split([1, 1, Z.shape[axis] - 4, 1, 1], dim=axis)
        ends = {0: first, -1: last}
        ends[ring.first] = ends[ring.first] + _times(ring.factor, before)
        ends[ring.last] = ends[ring.last] + _times(ring.factor, behind)
        Z = torch.cat([ends[0], inner, ends[-1]], dim=axis)
    return Z


def _slice(Y: Tensor, axis: int, part: slice) -> Tensor:
    return Y[..., part, :] if axis == -2 else Y[..., part]


def _times(factor: float, Y: Tensor) -> Tensor:
    return Y if factor == 1 else factor * Y
