"""(I + hL)⁻¹ for L = -α₁ ∂₁² - α₂ ∂₂² with a transform along one axis only: the fast way on a CPU.

In the waves that the boundary allows along the rows of an image, L is tridiagonal along its columns: for each channel and wave

    -a u_{i-1} + (g + 2a) u_i - a u_{i+1} = x_i,    a = hα₁,  g = 1 + hα₂λ ≥ 1

which elimination solves in one sweep down the rows and one up. (At a mirror the first and last 2a are a.) Transforms along both
axes cost twice the products, and the FFT of the sines on 2ᵐ points is one of 2(2ᵐ+1), mostly a bad length (benchmarks/solve.py).
Source: Hockney 1965, J. ACM 12(1), 95-113, doi:10.1145/321250.321259. Differs: sweeps instead of cyclic reduction, products
instead of the FFT.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from imexseg.numerics.resolvent import blocks, in_float32
from imexseg.numerics.tables import cached_table

ROW_BYTES = (
    32 * 1024
)  # of a block of planes: worth a call each of the sweeps, and a block still fits the last-level cache

ONE_PRODUCT = 40  # points, up to which copying the halves of a row costs more than the product that they save

Table = Callable[[int, torch.dtype, torch.device], Tensor]


@dataclass(frozen=True)
class Waves:
    """The eigenvectors of -∂² on n points between two equal walls.

    Args:
        matrix: n ↦ (n, n), orthonormal rows; even ones are symmetric about the middle, odd ones antisymmetric.
        eigenvalues: n ↦ (n,), of each row.
        wall: by how much -∂² at a wall exceeds that at a mirror: 0 for a mirror, 1 for a zero one pixel outside.
    """

    matrix: Table
    eigenvalues: Table
    wall: int


def solve_swept(X: Tensor, diffusion: Tensor, waves: Waves) -> Tensor:
    """(I + hL)⁻¹X. Shapes: X (B, C, H, W), diffusion (C, 2), hα in pixel² → (B, C, H, W). Differentiable once in both."""
    return in_float32(lambda X, a: _Swept.apply(X, a, waves), X, diffusion)


class _Swept(torch.autograd.Function):
    """The solve is self-adjoint: with u = (I + hL)⁻¹X and w = (I + hL)⁻¹G, ∂/∂X is w, and ∂/∂(hα) is -⟨w, -∂²u⟩."""

    @staticmethod
    def forward(ctx, X: Tensor, diffusion: Tensor, waves: Waves) -> Tensor:
        ctx.waves = waves
        out = torch.empty_like(X, memory_format=torch.contiguous_format)
        for _ in _solve_blocks(X, diffusion, waves, out):
            pass
        ctx.save_for_backward(diffusion, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, G: Tensor):
        diffusion, u = ctx.saved_tensors
        w = torch.empty_like(u)
        gradient = torch.zeros_like(diffusion)
        for batch, channel in _solve_blocks(G, diffusion, ctx.waves, w):
            if ctx.needs_input_grad[1]:
                for axis in (-2, -1):
                    energy = _energy(w[batch, channel], u[batch, channel], axis, ctx.waves.wall)
                    gradient[channel, axis] -= energy
        return w, gradient if ctx.needs_input_grad[1] else None, None


def _energy(w: Tensor, u: Tensor, axis: int, wall: int) -> Tensor:
    """⟨w, -∂²u⟩ along one axis, by differences, which do not cancel. Shapes: (B, C, H, W) → (C,)."""
    total = (w.diff(dim=axis) * u.diff(dim=axis)).sum((0, 2, 3))
    for edge in (0, -1) if wall else ():
        total += wall * (w.select(axis, edge) * u.select(axis, edge)).sum((0, 2))
    return total


def _solve_blocks(X: Tensor, diffusion: Tensor, waves: Waves, out: Tensor) -> Iterator[tuple[slice, slice]]:
    """Fill `out` block by block. Yields: (batch, channel) slices when they are done."""
    height, width = X.shape[-2:]
    in_halves = width > ONE_PRODUCT
    eigenvalues = waves.eigenvalues(width, X.dtype, X.device)
    if in_halves:
        even, odd = _halves(waves.matrix, width, X.dtype, X.device)
        eigenvalues = torch.cat([eigenvalues[0::2], eigenvalues[1::2]])
    else:
        matrix = waves.matrix(width, X.dtype, X.device)
    factors, of_channels = None, None
    for batch, channel in blocks(X, ROW_BYTES * height):
        if channel != of_channels:
            a, of_channels = diffusion[channel], channel
            factors = _factorise(1 + a[:, 1:] * eigenvalues, a[:, :1], height, waves.wall)
        assert factors is not None
        Y = _analyse(X[batch, channel], even, odd) if in_halves else X[batch, channel] @ matrix.T
        _sweep(Y, *factors)
        if in_halves:
            _synthesise(Y, even, odd, out[batch, channel])
        else:
            torch.matmul(Y, matrix, out=out[batch, channel])
        yield batch, channel


def _factorise(g: Tensor, a: Tensor, n: int, wall: int) -> tuple[Tensor, Tensor]:
    """Reciprocal pivots 1/p and ratios a/p. Shapes: g (C, W), a (C, 1) → (C, n, W) each.

    With p_i = a + δ_i the recursion p_i = g + 2a - a²/p_{i-1} becomes δ_i = g + (a/p_{i-1}) δ_{i-1}. Only positive numbers are
    added up, where the difference would lose g, which may be 1 beside an a of thousands.
    """
    inverse, ratios = g.new_empty(g.shape[0], n, g.shape[1]), g.new_empty(g.shape[0], n, g.shape[1])
    excess = g + wall * a
    for pivot, ratio in zip(inverse.unbind(1)[:-1], ratios.unbind(1), strict=False):
        torch.add(excess, a, out=pivot)
        torch.div(a, pivot, out=ratio)
        excess = torch.addcmul(g, ratio, excess)
    inverse[:, -1] = excess + wall * a
    return inverse.reciprocal_(), ratios


def _sweep(Y: Tensor, inverse: Tensor, ratios: Tensor) -> None:
    """Down the rows, then up, in place. Shapes: Y (B, C, n, W), the others (C, n, W)."""
    rows, ratio = Y.unbind(-2), ratios.unbind(-2)
    for i in range(1, len(rows)):
        rows[i].addcmul_(ratio[i - 1], rows[i - 1])
    Y.mul_(inverse)
    for i in range(len(rows) - 2, -1, -1):
        rows[i].addcmul_(ratio[i], rows[i + 1])


def _analyse(X: Tensor, even: Tensor, odd: Tensor) -> Tensor:
    """Coefficients of the symmetric waves, then of the antisymmetric ones: two products of half the size instead of one.

    Shapes: (..., n) → (..., n).
    """
    n, half = X.shape[-1], odd.shape[-1]
    mirrored = X[..., n - half :].flip(-1)
    symmetric = X[..., : n - half].contiguous()  # the middle of an odd number of points is its own mirror image
    antisymmetric = symmetric[..., :half] - mirrored
    symmetric[..., :half] += mirrored
    Y = torch.empty_like(X, memory_format=torch.contiguous_format)
    Y[..., : n - half] = symmetric @ even.T
    Y[..., n - half :] = antisymmetric @ odd.T
    return Y


def _synthesise(Y: Tensor, even: Tensor, odd: Tensor, out: Tensor) -> None:
    """The inverse of _analyse, into `out`."""
    n, half = Y.shape[-1], odd.shape[-1]
    symmetric, antisymmetric = Y[..., : n - half] @ even, Y[..., n - half :] @ odd
    out[..., half : n - half] = symmetric[..., half:]
    symmetric = symmetric[..., :half]
    torch.add(symmetric, antisymmetric, out=out[..., :half])
    out[..., n - half :] = symmetric.sub_(antisymmetric).flip(-1)


@cached_table
def _halves(matrix: Table, n: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Left halves of the symmetric and of the antisymmetric waves, (⌈n/2⌉, ⌈n/2⌉) and (⌊n/2⌋, ⌊n/2⌋)."""
    T = matrix(n, torch.float64, device)
    return T[0::2, : (n + 1) // 2].to(dtype).contiguous(), T[1::2, : n // 2].to(dtype).contiguous()
