"""The eigenvalues of L = -α₁ ∂₁² - α₂ ∂₂², for every boundary under which waves are its eigenvectors.

Along one axis -∂² is the second difference [-1 2 -1]; dirichlet.py and reflective.py say which waves the boundary allows.
"""

import torch
from torch import Tensor


def second_difference_symbol(theta: Tensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    """2 - 2cos θ, the eigenvalues of [-1 2 -1] for waves of θ radians a pixel, computed as 4 sin²(θ/2).

    The difference would cancel where θ is small: in float32 it puts ρ off by up to 1e-3 at the longest waves, which are the ones
    that carry the solve across an image.
    Shapes: any → the same. Args: theta: float64.
    """
    return (4 * (theta / 2).sin().square()).to(device, dtype)


def five_point_symbol(alpha: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """λ = α₁λ₁ + α₂λ₂. Shapes: alpha (C, 2), pixel² per time, ≥ 0; first (H,), second (W,) → (C, H, W)."""
    return alpha[:, 0, None, None] * first[:, None] + alpha[:, 1, None, None] * second
