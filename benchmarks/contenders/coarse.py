"""One branch on a coarse grid: the encoder and decoder of a U-Net in the least form."""

import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.layers.flow_settings import FlowSettings
from imexseg.layers.steps import ForwardEulerStep
from imexseg.layers.terms import ResidualTerm


class CoarseBranch(nn.Module):
    """X + up(two residual steps(average of 8×8 points of X)), in one step of the network alone.

    Source: Ronneberger, Fischer, Brox 2015, arXiv:1505.04597, and the context branch of BiSeNet, Yu et al. 2018,
    arXiv:1808.00897. Differs: the steps are those of the trunk around it, so that only the grid is new; up is bilinear.
    """

    def __init__(self, channels: int, pool: int = 8, n_steps: int = 2):
        super().__init__()
        self.pool = pool
        settings = FlowSettings("residual", "lean", channels, n_steps, boundary="zero")
        self.steps = nn.Sequential(
            *(ForwardEulerStep(settings.term(ResidualTerm), settings.closing_norm(), 1.0) for _ in range(n_steps))
        )

    def forward(self, X: Tensor) -> Tensor:
        coarse = F.avg_pool2d(X, self.pool, ceil_mode=True)
        return X + F.interpolate(self.steps(coarse), X.shape[-2:], mode="bilinear", align_corners=False)
