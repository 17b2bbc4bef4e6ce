"""Heat conduction for a trainable time, and a gate."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.layers.implicit import ReflectiveSolve
from imexseg.numerics.reflective import reflective_symbol, solve_cosine


class HeatKernel(ReflectiveSolve):
    """exp(-hL) X by the cosine transform, where the solve has (I + hL)⁻¹; L and its first lengths are those of the solve."""

    def solve(self, X: Tensor) -> Tensor:
        symbol = reflective_symbol(self.diffusion(), *X.shape[-2:])
        return solve_cosine(X, torch.exp(-self.step_size * symbol))


class GatedHeat(nn.Module):
    """exp(-hL) X · SiLU(W X), C² + 3C weights.

    Source: the heat conduction operator of vHeat, Wang et al. 2024, arXiv:2405.16555, equation 7 and figure 3. Differs: a
    diffusivity for each channel and axis, where theirs depends on the frequency too, through an embedding as large as the grid;
    no linear maps around it, which K₁ and K₂ of f are already.
    """

    def __init__(self, channels: int, shortest: float, longest: float):
        super().__init__()
        self.heat = HeatKernel(channels, 1.0, shortest, longest)
        self.gate = nn.Conv2d(channels, channels, 1)

    def forward(self, X: Tensor) -> Tensor:
        return self.heat(X) * F.silu(self.gate(X))
