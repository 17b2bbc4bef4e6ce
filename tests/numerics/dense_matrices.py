"""L as an explicit matrix, and the solve by linear algebra: slow, but independent of any transform.

The matrix is assembled by applying the stencils to the unit vectors, not from a symbol, so that agreement with the other
implementations checks the symbol, the transforms and the boundary at once.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from imexseg.numerics.boundary import extend


def apply_stencil(Y: Tensor, B: Tensor, boundary: str) -> Tensor:
    """(BY)[i, j] = Σ B[p+1, q+1] · Y[i+p, j+q], each channel by its own stencil.

    Shapes: Y (B, C, H, W), B (C, 3, 3) → (B, C, H, W).
    """
    return F.conv2d(extend(Y, boundary), B[:, None], groups=B.shape[0])


def stencil_matrix(B: Tensor, height: int, width: int, boundary: str) -> Tensor:
    """The matrices of the stencils. Shapes: B (C, 3, 3) → (C, H·W, H·W)."""
    n = height * width
    unit = torch.eye(n, dtype=B.dtype, device=B.device).view(n, 1, height, width).expand(-1, B.shape[0], -1, -1)
    return apply_stencil(unit, B, boundary).reshape(n, B.shape[0], n).permute(1, 2, 0)


def five_point(alpha: Tensor) -> Tensor:
    """-α₁∂₁² - α₂∂₂² as 3×3 stencils. Shapes: alpha (C, 2) → (C, 3, 3)."""
    second_difference = torch.tensor([-1.0, 2.0, -1.0], dtype=alpha.dtype, device=alpha.device)
    stencil = alpha.new_zeros(alpha.shape[0], 3, 3)
    stencil[:, :, 1] += alpha[:, :1] * second_difference
    stencil[:, 1, :] += alpha[:, 1:] * second_difference
    return stencil


def solve_dense(X: Tensor, L: Tensor, h: float) -> Tensor:
    """linalg.solve(I + hL, X). Shapes: X (B, C, H, W), L (C, H·W, H·W) → (B, C, H, W)."""
    eye = torch.eye(L.shape[-1], dtype=L.dtype, device=L.device)
    return torch.linalg.solve(eye + h * L, X.flatten(2)[..., None]).view_as(X)
