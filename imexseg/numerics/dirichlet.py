"""The implicit solve on a grid that is zero outside: a symmetric 5-point stencil, diagonal in the sine basis.

    L = -α₁ ∂₁² - α₂ ∂₂²,   α ≥ 0 for each channel, homogeneous Dirichlet boundary

Its eigenvectors are the DST-I sines, eigenvalues λ = α₁·4 sin²(π(j+1)/2(H+1)) + α₂·4 sin²(π(k+1)/2(W+1)). What flows over
the edge is lost, so a constant does not stay one: the solve tells a network where in the image it is, as the zeros do with
which other networks pad their convolutions. λ > 0: the mean is not kept, all else is as in numerics/resolvent.py.
"""

import torch
from torch import Tensor

from imexseg.numerics.diffusion import five_point_symbol, second_difference_symbol
from imexseg.numerics.resolvent import in_float32
from imexseg.numerics.sweeps import Waves
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


SINES = Waves(_sine_matrix, _eigenvalues, wall=1)
