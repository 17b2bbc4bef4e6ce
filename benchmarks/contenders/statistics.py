"""Global statistics of a channel: the cheapest ways to let every pixel know of all others."""

import torch
from torch import Tensor, nn


class GlobalMean(nn.Module):
    """a X + b mean(X), 2C weights: as many as the solve has.

    Source: the global-context feature of ParseNet, Liu, Rabinovich, Berg 2015, arXiv:1506.04579. Differs: added with a trainable
    factor for each channel, not concatenated; without the L2 norm, as a normalisation follows every step.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.own = nn.Parameter(torch.ones(channels, 1, 1))
        self.mean = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, X: Tensor) -> Tensor:
        return self.own * X + self.mean * X.mean((2, 3), keepdim=True)


class SqueezeExcite(nn.Module):
    """X · sigmoid(W₂ ReLU(W₁ mean(X))), 2C²/r weights and the shifts.

    Source: Hu, Shen, Sun 2018, arXiv:1709.01507, equations 2 to 4, with the reduction r = 8. Differs: none.
    """

    def __init__(self, channels: int, reduction: int = 8):
        super().__init__()
        narrow = max(1, channels // reduction)
        self.squeeze = nn.Conv2d(channels, narrow, 1)
        self.excite = nn.Conv2d(narrow, channels, 1)

    def forward(self, X: Tensor) -> Tensor:
        mean = X.mean((2, 3), keepdim=True)
        return X * torch.sigmoid(self.excite(torch.relu(self.squeeze(mean))))
