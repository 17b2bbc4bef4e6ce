"""Extending an image by one pixel on each side, and the adjoint of doing so.

A 3×3 stencil needs a ring of one pixel around the grid. Three ways to fill it, matching the three implicit solves:
"periodic" wraps round to the opposite edge; "reflect" mirrors at the edge of the pixel (half-sample symmetric, which for
one pixel repeats the edge value), the discrete homogeneous Neumann condition; "zero" is zero outside, the discrete homogeneous
Dirichlet condition, which lets a network know how far from the edge it is.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

BOUNDARIES = ("periodic", "reflect", "zero")

# Which row (and column) of the image fills the ring's first and last one.
_SOURCE_OF_FIRST_AND_LAST = {"periodic": (-1, 0), "reflect": (0, -1)}


def check_boundary(boundary: str) -> str:
    """Return boundary. Raises: ValueError naming the choices if there is none of that name."""
    if boundary not in BOUNDARIES:
        raise ValueError(f"unknown boundary {boundary!r}; choose one of {', '.join(BOUNDARIES)}")
    return boundary


def extend(Y: Tensor, boundary: str) -> Tensor:
    """P: (B, C, H, W) → (B, C, H+2, W+2)."""
    check_boundary(boundary)
    return _extended(Y, boundary) if torch.compiler.is_exporting() else _Extend.apply(Y, boundary)


def extend_adjoint(Z: Tensor, boundary: str) -> Tensor:
    """Pᵀ: (B, C, H+2, W+2) → (B, C, H, W): every pixel of the ring is added back to the pixel it was copied from."""
    check_boundary(boundary)
    return _folded_back(Z, boundary) if torch.compiler.is_exporting() else _ExtendAdjoint.apply(Z, boundary)


def _extended(Y: Tensor, boundary: str) -> Tensor:
    """P without writing in place, for the exporter; slower where memory can be written."""
    if boundary == "zero":
        return F.pad(Y, (1, 1, 1, 1))
    if boundary == "reflect":
        return F.pad(Y, (1, 1, 1, 1), mode="replicate")
    Y = torch.cat([Y[..., -1:, :], Y, Y[..., :1, :]], dim=-2)
    return torch.cat([Y[..., -1:], Y, Y[..., :1]], dim=-1)


def _folded_back(Z: Tensor, boundary: str) -> Tensor:
    """Pᵀ without writing in place, as _extended. At least two pixels a side."""
    for axis in (-2, -1):
        n = Z.shape[axis] - 2
        before, first, inner, last, behind = Z.split([1, 1, n - 2, 1, 1], dim=axis)
        if boundary == "reflect":
            first, last = first + before, last + behind
        elif boundary == "periodic":
            first, last = first + behind, last + before
        Z = torch.cat([first, inner, last], dim=axis)
    return Z


class _Extend(torch.autograd.Function):
    """P forward, Pᵀ backward. Autograd through F.pad's circular mode takes twenty times as long."""

    @staticmethod
    def forward(ctx, Y: Tensor, boundary: str) -> Tensor:
        ctx.boundary = boundary
        if boundary == "zero":
            return F.pad(Y, (1, 1, 1, 1))
        first, last = _SOURCE_OF_FIRST_AND_LAST[boundary]
        height, width = Y.shape[-2:]
        out = Y.new_empty(*Y.shape[:-2], height + 2, width + 2)
        out[..., 1:-1, 1:-1] = Y
        out[..., 0, 1:-1], out[..., -1, 1:-1] = Y[..., first, :], Y[..., last, :]
        # Columns last, from the rows just filled: the corners come along.
        inner = out[..., 1:-1]
        out[..., 0], out[..., -1] = inner[..., first], inner[..., last]
        return out

    @staticmethod
    def backward(ctx, G: Tensor):
        return extend_adjoint(G, ctx.boundary), None


class _ExtendAdjoint(torch.autograd.Function):
    """Pᵀ forward, P backward."""

    @staticmethod
    def forward(ctx, Z: Tensor, boundary: str) -> Tensor:
        ctx.boundary = boundary
        if boundary == "zero":
            return Z[..., 1:-1, 1:-1].contiguous()
        first, last = _SOURCE_OF_FIRST_AND_LAST[boundary]
        columns = Z[..., 1:-1].clone()
        columns[..., first] += Z[..., 0]
        columns[..., last] += Z[..., -1]
        out = columns[..., 1:-1, :].contiguous()
        out[..., first, :] += columns[..., 0, :]
        out[..., last, :] += columns[..., -1, :]
        return out

    @staticmethod
    def backward(ctx, G: Tensor):
        return extend(G, ctx.boundary), None
