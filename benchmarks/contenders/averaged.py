"""The solve on a coarser grid, as a correction."""

import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.layers.implicit import DirichletSolve


class SolveOnAverages(nn.Module):
    """X + up((I + hL)⁻¹A - A), A the averages of 4 × 4 points of X: what is smooth is diffused, what is not passes. 2C weights.

    Source: none; the coarse-grid correction of multigrid (Brandt 1977, Math. Comp. 31(138), 333-390), without the smoothing.
    Lengths in points of the coarse grid begin a fourth as long.
    Args: mode: of up. With nearest this is (I + hPᵀLP)⁻¹ for P the orthonormal averages of blocks, where blocks fill the grid: an
    implicit step like the others, self-adjoint and of norm at most 1, whose L sees the means of blocks alone.
    """

    def __init__(self, channels: int, shortest: float, longest: float, pool: int = 4, mode: str = "bilinear"):
        super().__init__()
        self.pool, self.mode = pool, mode
        self.solve = DirichletSolve(channels, 1.0, shortest / pool, longest / pool)

    def forward(self, X: Tensor) -> Tensor:
        A = F.avg_pool2d(X, self.pool, ceil_mode=True)
        change = self.solve(A) - A
        if self.mode == "bilinear":
            return X + F.interpolate(change, X.shape[-2:], mode="bilinear", align_corners=False)
        up = F.interpolate(change, scale_factor=float(self.pool), mode="nearest")
        return X + up[..., : X.shape[-2], : X.shape[-1]]
