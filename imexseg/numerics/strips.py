"""The columns of a grid cut into strips, so that a transform along its rows need only be as long as a strip.

Between two strips stands one column, an interface. Where the values on the interfaces are known, each strip is a problem of its
own, with zero beyond its ends. What they must be follows from one equation for the interfaces alone, the Schur complement. In
waves along the columns it is tridiagonal, and known in closed form: for one channel and one wave, a row of the grid is

    -a u_{j-1} + (g + 2a) u_j - a u_{j+1} = x_j,    a = hα₂,  g = 1 + hα₁λ ≥ 1,  cosh θ = 1 + g/2a

and a strip of w points, held at 1 just beyond one end and at 0 beyond the other, answers with 1 - σ - q in its point next to the
one end and with q in that next to the other:

    q = sinh θ / sinh (w+1)θ,    σ = 2 sinh(wθ/2) sinh(θ/2) / cosh((w+1)θ/2)

With a mirror at the other end it answers with 1 - κ, κ = 2 sinh(wθ) sinh(θ/2) / cosh((w+½)θ). All of these are positive, and
so is all that they are added to: nothing cancels.
Source: Chan 1987, SIAM J. Numer. Anal. 24(2), 382-390, for two strips between zeros. Differs: any number of them, and mirrors.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from imexseg.numerics.elimination import Factors, eliminate, factorise
from imexseg.numerics.tables import cached_table

ONE_STRIP = 160  # points, up to which cutting costs more than it saves (benchmarks/solve.py)
STRIP = 32  # points that a strip should have, with its interface


class Strip(NamedTuple):
    """Columns start to stop; first and last are 1 for zero just beyond that end, 0 for a mirror there."""

    start: int
    stop: int
    first: int
    last: int


class Joint(NamedTuple):
    """Ends of strips that meet interfaces. Args: end: 0 the first point, -1 the last.  strips, interfaces: which of all."""

    end: int
    strips: slice
    interfaces: slice


@dataclass(frozen=True)
class Cut:
    """n columns: an outer strip, an interface, an inner strip, an interface, …, an outer strip.

    Attributes: first, last: points of the outer strips; first - last is 0 or 1.  inner: points of each inner strip.  n_inner.
    """

    first: int
    last: int
    inner: int
    n_inner: int

    @property
    def starts(self) -> list[int]:
        """The first column of every strip behind an interface."""
        return [self.first + 1 + k * (self.inner + 1) for k in range(self.n_inner + 1)]

    @property
    def interfaces(self) -> slice:
        """Their columns."""
        return slice(self.first, self.starts[-1], self.inner + 1)

    def strips(self, wall: int) -> list[tuple[list[Strip], list[Joint]]]:
        """The outer strips, and the inner ones if there are any. Args: wall: 1 for zero beyond the edges, 0 for mirrors."""
        n, last = self.n_inner, self.starts[-1]
        outer = [Strip(0, self.first, wall, 1), Strip(last, last + self.last, 1, wall)]
        both = [
            (outer, [Joint(-1, slice(0, 1), slice(0, 1)), Joint(0, slice(1, 2), slice(n, n + 1))]),
            (
                [Strip(start, start + self.inner, 1, 1) for start in self.starts[:-1]],
                [Joint(0, slice(n), slice(n)), Joint(-1, slice(n), slice(1, n + 1))],
            ),
        ]
        return both if n else both[:1]


def cut(n: int) -> Cut | None:
    """How n columns are cut; None if one strip does."""
    if n <= ONE_STRIP:
        return None
    n_inner = max(0, round((n + 1) / STRIP) - 2)
    outer = n - n_inner * STRIP - 1
    return Cut((outer + 1) // 2, outer // 2, STRIP - 1, n_inner)


class Strips:
    """Strips that are solved side by side, all equal or nearly so: those that are a point narrower have a wave of zeros too.

    Shapes: state (B, H, W, C) ↔ waves (S, B, H, n, C), S strips of n points.
    """

    def __init__(self, strips: list[Strip], diffusion: Tensor, height: int, wall: int):
        self.strips = strips
        n = max(strip.stop - strip.start for strip in strips)
        tables = [
            _waves(strip.stop - strip.start, strip.first, strip.last, n, diffusion.dtype, diffusion.device)
            for strip in strips
        ]
        self.matrices = [matrix for matrix, _ in tables]  # (n, width of the strip) each
        kinds = tables if any(table is not tables[0] for table in tables) else tables[:1]
        eigenvalues = torch.stack([values for _, values in kinds])
        g = 1 + eigenvalues[:, None, :, None] * diffusion[:, 1]
        a = diffusion[:, 0]
        at_walls = [wall * (row == 0) + wall * (row == height - 1) for row in range(height)]
        self.factors = factorise([g + times * a if times else g for times in at_walls], a)

    def analyse(self, X: Tensor) -> Tensor:
        rows = X.flatten(0, 1)
        n = self.matrices[0].shape[0]
        Y = X.new_empty(len(self.strips), *X.shape[:2], n, X.shape[3])
        for strip, matrix, own in zip(self.strips, self.matrices, Y.flatten(1, 2), strict=True):
            torch.bmm(matrix.expand(len(rows), -1, -1), rows[:, strip.start : strip.stop], out=own)
        return Y

    def solve(self, Y: Tensor) -> Tensor:
        """In waves and in place."""
        eliminate(Y, -3, self.factors)
        return Y

    def synthesise(self, Y: Tensor, out: Tensor) -> None:
        """Fill the columns of these strips."""
        rows = out.flatten(0, 1)
        for strip, matrix, own in zip(self.strips, self.matrices, Y.flatten(1, 2), strict=True):
            torch.bmm(matrix.T.expand(len(rows), -1, -1), own, out=rows[:, strip.start : strip.stop])

    def at(self, joint: Joint, Y: Tensor) -> Tensor:
        """The state in the points that meet interfaces. Shapes: → (B, H, interfaces, C)."""
        n_batch, height = Y.shape[1:3]
        ends = self._end(joint)[:, None, None].expand(-1, n_batch * height, -1, -1)
        met = [torch.bmm(end, own) for end, own in zip(ends, Y[joint.strips].flatten(1, 2), strict=True)]
        return torch.cat(met, dim=1).view(n_batch, height, len(met), -1)

    def add_beyond(self, joint: Joint, Y: Tensor, values: Tensor) -> None:
        """Let values, (B, H, interfaces, C), flow in from the interfaces."""
        Y[joint.strips].addcmul_(self._end(joint)[:, None, None, :, None], values.permute(2, 0, 1, 3)[..., None, :])

    def _end(self, joint: Joint) -> Tensor:
        """Every wave in the point that meets the interface. Shapes: → (strips, n)."""
        return torch.stack([matrix[:, joint.end] for matrix in self.matrices[joint.strips]])


@cached_table
def _waves(
    width: int, first: int, last: int, n: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Eigenvectors of -∂² on so many points, as orthonormal rows, and its eigenvalues; zeros for what is missing to n waves.

    Args: first, last: 1 for zero just beyond that end, 0 for a mirror there. Shapes: → (n, width), (n,).
    """
    matrix = 2 * torch.eye(width, dtype=torch.float64)
    matrix[0, 0] -= 1 - first
    matrix[-1, -1] -= 1 - last
    matrix.diagonal(1).sub_(1)
    matrix.diagonal(-1).sub_(1)
    eigenvalues, vectors = torch.linalg.eigh(matrix)
    missing = n - width
    waves = F.pad(vectors.T, (0, 0, 0, missing)).to(device, dtype).contiguous()
    return waves, F.pad(eigenvalues.clamp_min(0), (0, missing)).to(device, dtype)


def interface_factors(g: Tensor, a: Tensor, parts: Cut, wall: int) -> Factors:
    """The Schur complement, factorised along the interfaces.

    Args: g: (H, C) of every wave along the columns.  a: (C,).  wall: 1 for zero beyond the edges of the image, 0 for mirrors.
    Shapes: → (n_inner + 1, H, C) each.
    """
    theta = 2 * torch.asinh((g / (4 * a)).sqrt())
    q, sigma = _coupling(theta, parts.inner), _excess(theta, parts.inner)
    at_walls = [
        _excess(theta, w) + _coupling(theta, w) if wall else _excess_at_mirror(theta, w)
        for w in (parts.first, parts.last)
    ]
    around = [at_walls[0], *[sigma] * (2 * parts.n_inner), at_walls[1]]  # left and right of each interface
    own = [g + a * (left + right) for left, right in zip(around[0::2], around[1::2], strict=True)]
    return factorise(own, a * q)


def _coupling(theta: Tensor, w: int) -> Tensor:
    """q, without overflow."""
    return (-w * theta).exp() * torch.expm1(-2 * theta) / torch.expm1(-2 * (w + 1) * theta)


def _excess(theta: Tensor, w: int) -> Tensor:
    """σ."""
    return torch.expm1(-w * theta) * torch.expm1(-theta) / (1 + (-(w + 1) * theta).exp())


def _excess_at_mirror(theta: Tensor, w: int) -> Tensor:
    """κ."""
    return torch.expm1(-2 * w * theta) * torch.expm1(-theta) / (1 + (-(2 * w + 1) * theta).exp())
