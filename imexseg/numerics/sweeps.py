"""(I + hL)⁻¹ for L = -α₁ ∂₁² - α₂ ∂₂² with waves along the rows of an image only: the fast way on a CPU.

In the waves that the boundary allows along the rows, L is tridiagonal along the columns: for each channel and wave

    -a u_{i-1} + (g + 2a) u_i - a u_{i+1} = x_i,    a = hα₁,  g = 1 + hα₂λ ≥ 1

which one sweep down the rows and one up solve (elimination.py). At a mirror the first and last 2a are a. Long rows are cut into
strips (strips.py), so that the cost of a pixel hardly grows with the image: where waves of the whole row would take 2n products,
strips of m points take 2m, twice, and the interfaces between them 4n/m.

Channels come last in memory, where one channel's neighbour in a row is the same pixel's next channel: rows of all channels are
contiguous, and so are the rows that a 5-point stencil, a 1×1 coupling and batch normalisation want on a CPU.
Source: Hockney 1965, J. ACM 12(1), 95-113, doi:10.1145/321250.321259. Differs: sweeps instead of cyclic reduction, products
instead of the FFT, strips.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from imexseg.numerics.elimination import Factors, eliminate
from imexseg.numerics.resolvent import in_float32
from imexseg.numerics.strips import Joint, Strip, Strips, cut, interface_factors

KEPT_SHARE = 8  # factors no larger than this part of the state wait for the backward pass; larger ones are made again
ENERGY_BYTES = 512 * 1024  # of a block of rows: a few of them fit a second-level cache

Table = Callable[[int, torch.dtype, torch.device], Tensor]


@dataclass(frozen=True)
class Waves:
    """The eigenvectors of -∂² on n points between two equal walls.

    Args:
        matrix: n ↦ (n, n), orthonormal rows.
        eigenvalues: n ↦ (n,), of each row.
        wall: by how much -∂² at a wall exceeds that at a mirror: 0 for a mirror, 1 for a zero one pixel outside.
    """

    matrix: Table
    eigenvalues: Table
    wall: int


class Factored:
    """I + hL on a grid, eliminated: what a solve needs beside its right-hand side. Units: diffusion is hα, (C, 2), in pixel²."""

    def __init__(self, height: int, width: int, diffusion: Tensor, waves: Waves):
        wall = waves.wall
        self.size = height, width
        self.waves, self.diffusion, self.parts = waves, diffusion, cut(width)
        if self.parts is None:
            self.kinds: list[tuple[Strips, list[Joint]]] = [
                (Strips([Strip(0, width, wall, wall)], diffusion, height, wall), [])
            ]
            self.interfaces: Factors | None = None
        else:
            self.kinds = [
                (Strips(strips, diffusion, height, wall), joints) for strips, joints in self.parts.strips(wall)
            ]
            g = 1 + waves.eigenvalues(height, diffusion.dtype, diffusion.device)[:, None] * diffusion[:, 0]
            self.interfaces = interface_factors(g, diffusion[:, 1], self.parts, wall)

    def fits(self, height: int, width: int, diffusion: Tensor) -> bool:
        """Whether these are the factors of that grid and diffusion."""
        own = self.diffusion
        return self.size == (height, width) and own.dtype == diffusion.dtype and torch.equal(own, diffusion)

    @property
    def nbytes(self) -> int:
        """Of the factors."""
        every = [strips.factors for strips, _ in self.kinds] + ([] if self.interfaces is None else [self.interfaces])
        return sum(factors.inverse.nbytes + factors.ratios.nbytes for factors in every)


def solve_swept(X: Tensor, diffusion: Tensor, waves: Waves, factored: Factored | None = None) -> Tensor:
    """(I + hL)⁻¹X. Shapes: X (B, C, H, W), diffusion (C, 2), hα in pixel² → (B, C, H, W), channels last in memory.

    Differentiable once in both. Args: factored: of this diffusion, these waves and a grid of this size, in the type that is
    worked in; None: eliminated here.
    """
    return in_float32(lambda X, a: _Swept.apply(X, a, waves, factored), X, diffusion)


class _Swept(torch.autograd.Function):
    """The solve is self-adjoint: with u = (I + hL)⁻¹X and w = (I + hL)⁻¹G, ∂/∂X is w, and ∂/∂(hα) is -⟨w, -∂²u⟩."""

    @staticmethod
    def forward(ctx, X: Tensor, diffusion: Tensor, waves: Waves, factored: Factored | None) -> Tensor:
        ctx.waves = waves
        factored = factored or Factored(X.shape[2], X.shape[3], diffusion, waves)
        ctx.factored = factored if factored.nbytes * KEPT_SHARE <= X.nbytes else None
        out = _solve(_channels_last(X), factored)
        ctx.save_for_backward(diffusion, out)
        return out.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx, G: Tensor):
        diffusion, u = ctx.saved_tensors
        w = _solve(_channels_last(G), ctx.factored or Factored(G.shape[2], G.shape[3], diffusion, ctx.waves))
        gradient = None
        if ctx.needs_input_grad[1]:
            gradient = -torch.stack([_energy(w, u, axis, ctx.waves.wall) for axis in (1, 2)], dim=1)
        return w.permute(0, 3, 1, 2), gradient, None, None


def _channels_last(X: Tensor) -> Tensor:
    """Shapes: (B, C, H, W) → (B, H, W, C), without a copy where X is in that order already."""
    return X.permute(0, 2, 3, 1).contiguous()


def _energy(w: Tensor, u: Tensor, axis: int, wall: int) -> Tensor:
    """⟨w, -∂²u⟩ along one axis, by differences, which do not cancel. Shapes: (B, H, W, C) → (C,)."""
    total = w.new_zeros(w.shape[-1])
    n_rows = max(1, ENERGY_BYTES // (w[0, 0].nbytes or 1))
    for w_image, u_image in zip(w, u, strict=True):
        for start in range(0, w.shape[1], n_rows):  # rows that stay in the cache from one operation to the next
            rows = slice(start, start + n_rows + (axis == 1))
            total += (w_image[rows].diff(dim=axis - 1) * u_image[rows].diff(dim=axis - 1)).sum((0, 1))
    for edge in (0, -1) if wall else ():
        total += wall * (w.select(axis, edge) * u.select(axis, edge)).sum((0, 1))
    return total


def _solve(X: Tensor, factored: Factored) -> Tensor:
    """Shapes: X (B, H, W, C), contiguous → (B, H, W, C)."""
    out = torch.empty_like(X)
    parts = factored.parts
    if parts is None:
        ((whole, _),) = factored.kinds
        whole.synthesise(whole.solve(whole.analyse(X)), out)
        return out
    states = [strips.analyse(X) for strips, _ in factored.kinds]
    a = factored.diffusion[:, 1]
    U = X[:, :, parts.interfaces].clone()
    for (strips, joints), Y in zip(factored.kinds, states, strict=True):
        alone = strips.solve(Y.clone())  # were all interfaces zero
        for joint in joints:
            U[:, :, joint.interfaces] += a * strips.at(joint, alone)
    _solve_interfaces(U, factored)
    out[:, :, parts.interfaces] = U
    for (strips, joints), Y in zip(factored.kinds, states, strict=True):
        for joint in joints:
            strips.add_beyond(joint, Y, a * U[:, :, joint.interfaces])
        strips.synthesise(strips.solve(Y), out)
    return out


def _solve_interfaces(U: Tensor, factored: Factored) -> None:
    """The Schur complement, in place and in waves along the columns. Shapes: U (B, H, interfaces, C)."""
    assert factored.interfaces is not None
    matrix = factored.waves.matrix(U.shape[1], U.dtype, U.device)
    V = matrix @ U.flatten(2)
    eliminate(V.view_as(U), -2, factored.interfaces)
    torch.matmul(matrix.T, V, out=U.flatten(2))
