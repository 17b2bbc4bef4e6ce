"""The implicit solve on a grid that is zero outside: a symmetric 5-point stencil, diagonal in the sine basis.

    L = -α₁ ∂₁² - α₂ ∂₂²,   α ≥ 0 for each channel, homogeneous Dirichlet boundary

Its eigenvectors are the DST-I sines, eigenvalues λ = α₁·4 sin²(π(j+1)/2(H+1)) + α₂·4 sin²(π(k+1)/2(W+1)). What flows over
the edge is lost, so a constant does not stay one: the solve tells a network where in the image it is, as the zeros do with
which other networks pad their convolutions. λ > 0: the mean is not kept, all else is as in numerics/resolvent.py.
"""

import torch
from torch import Tensor

from imexseg.numerics.diffusion import five_point_symbol, second_difference_symbol
from imexseg.numerics.resolvent import in_float32, solve_rfft
from imexseg.numerics.tables import cached_table, remainder


def dirichlet_symbol(alpha: Tensor, height: int, width: int) -> Tensor:
    """λ of the 5-point L. Shapes: alpha (C, 2), pixel² per time, ≥ 0 → (C, H, W). Boundary: zero."""
    first = _eigenvalues(height, alpha.dtype, alpha.device)
    second = _eigenvalues(width, alpha.dtype, alpha.device)
    return five_point_symbol(alpha, first, second)


def solve_sine(X: Tensor, rho: Tensor) -> Tensor:
    """S(ρ · S X S)S with S = Sᵀ = S⁻¹ the orthonormal DST-I: (I + hL)⁻¹X as four matrix products.

    Shapes: X (B, C, H, W), rho (C, H, W) → (B, C, H, W).
    """
    return in_float32(_solve_sine, X, rho)


def _solve_sine(X: Tensor, rho: Tensor) -> Tensor:
    S1 = _sine_matrix(X.shape[-2], X.dtype, X.device)
    S2 = _sine_matrix(X.shape[-1], X.dtype, X.device)
    return S1 @ (rho * (S1 @ X @ S2)) @ S2


def solve_odd(X: Tensor, rho: Tensor) -> Tensor:
    """The same solve by FFT: continued oddly to (2H+2, 2W+2) the problem is a periodic one.

    O(n² log n) instead of O(n³), on four times the pixels: faster than solve_sine on large grids only.
    Shapes: X (B, C, H, W), rho (C, H, W) → (B, C, H, W).
    """
    return in_float32(_solve_odd, X, rho)


def _solve_odd(X: Tensor, rho: Tensor) -> Tensor:
    height, width = X.shape[-2:]
    rows = torch.cat([X, torch.zeros_like(X[..., :1, :]), -X.flip(-2), torch.zeros_like(X[..., :1, :])], dim=-2)
    zero = torch.zeros_like(rows[..., :1])
    odd = torch.cat([rows, zero, -rows.flip(-1), zero], dim=-1)
    # Frequencies of the doubled grid: row j ↦ π j/(H+1). An odd image has nothing at j = 0 and j = H+1: any value will do.
    symbol = torch.cat([rho[:, :1], rho, rho[:, -1:], rho.flip(1)], dim=1)
    symbol = torch.cat([symbol[..., :1], symbol, symbol[..., -1:]], dim=-1)
    return solve_rfft(odd, symbol)[..., :height, :width]


@cached_table
def _eigenvalues(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """λ of -∂² alone, (n,): θ = π(j+1)/(n+1)."""
    theta = torch.arange(1, n + 1, dtype=torch.float64) * (torch.pi / (n + 1))
    return second_difference_symbol(theta, dtype, device)


@cached_table
def _sine_matrix(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The orthonormal DST-I, (n, n): √(2/(n+1)) sin(π(j+1)(i+1)/(n+1)); symmetric and its own inverse."""
    index = torch.arange(1, n + 1)
    turns = remainder(torch.outer(index, index), 2 * n + 2)  # reduce in integers: exact
    return ((turns.to(torch.float64) * (torch.pi / (n + 1))).sin() * (2 / (n + 1)) ** 0.5).to(device, dtype)
