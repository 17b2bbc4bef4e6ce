"""The implicit solve on a grid whose edges are mirrors: a symmetric 5-point stencil, diagonal in the cosine basis.

    L = -α₁ ∂₁² - α₂ ∂₂²,   α ≥ 0 for each channel, homogeneous Neumann (half-sample symmetric) boundary

Its eigenvectors are the DCT-II cosines, eigenvalues λ = α₁·4 sin²(πj/2H) + α₂·4 sin²(πk/2W). Opposite edges are not
coupled, which suits photographs; the price is that L knows the two axes only, not the oblique directions of BᵀB.
"""

import torch
from torch import Tensor

from imexseg.numerics.diffusion import five_point_symbol, second_difference_symbol
from imexseg.numerics.resolvent import in_float32
from imexseg.numerics.sweeps import Waves
from imexseg.numerics.tables import cached_table, remainder


def reflective_symbol(alpha: Tensor, height: int, width: int) -> Tensor:
    """λ of the 5-point L. Shapes: alpha (C, 2), pixel² per time, ≥ 0 → (C, H, W). Boundary: reflect."""
    first = _eigenvalues(height, alpha.dtype, alpha.device)
    second = _eigenvalues(width, alpha.dtype, alpha.device)
    return five_point_symbol(alpha, first, second)


def solve_cosine(X: Tensor, rho: Tensor) -> Tensor:
    """Cᵀ(ρ · C X Cᵀ)C with C the orthonormal DCT-II: reflective (I + hL)⁻¹X as four matrix products.

    Shapes: X (B, C, H, W), rho (C, H, W) → (B, C, H, W).
    """
    return in_float32(_solve_cosine, X, rho)


def _solve_cosine(X: Tensor, rho: Tensor) -> Tensor:
    C1 = _cosine_matrix(X.shape[-2], X.dtype, X.device)
    C2 = _cosine_matrix(X.shape[-1], X.dtype, X.device)
    return C1.T @ (rho * (C1 @ X @ C2.T)) @ C2


@cached_table
def _eigenvalues(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """λ of -∂² alone, (n,): θ = πj/n."""
    return second_difference_symbol(torch.arange(n, dtype=torch.float64) * (torch.pi / n), dtype, device)


@cached_table
def _cosine_matrix(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The orthonormal DCT-II, (n, n): rows √(2/n) cos(π j (2i+1) / 2n), the first divided by √2."""
    turns = remainder(torch.outer(torch.arange(n), 2 * torch.arange(n) + 1), 4 * n)  # reduce in integers: exact
    C = (turns.to(torch.float64) * (torch.pi / (2 * n))).cos()
    norm = (torch.where(torch.arange(n) == 0, 1.0, 2.0).to(torch.float64) / n).sqrt()
    return (norm[:, None] * C).to(device, dtype)


COSINES = Waves(_cosine_matrix, _eigenvalues, wall=0)
