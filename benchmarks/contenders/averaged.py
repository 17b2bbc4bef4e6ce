"""The solve on a coarser grid, as a correction."""

import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.layers.implicit import DirichletSolve


class SolveOnAverages(nn.Module):
    """X + up((I + hL)⁻¹A - A), A the averages of 4 × 4 points of X: what is smooth is diffused, what is not passes. 2C weights.

    Source: none; the coarse-grid correction of multigrid (Brandt 1977, Math. Comp. 31(138), 333-390), without the smoothing.
    Lengths in points of the coarse grid begin a fourth as long; up is bilinear.
    """

    def __init__(self, channels: int, shortest: float, longest: float, pool: int = 4):
        super().__init__()
        self.pool = pool
        self.solve = DirichletSolve(channels, 1.0, shortest / pool, longest / pool)

    def forward(self, X: Tensor) -> Tensor:
        A = F.avg_pool2d(X, self.pool, ceil_mode=True)
        return X + F.interpolate(self.solve(A) - A, X.shape[-2:], mode="bilinear", align_corners=False)
