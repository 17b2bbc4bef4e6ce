"""The normalisation N by name."""

import torch
from torch import Tensor, nn


class TvNorm(nn.Module):
    """N(Y) = s · Y / √(Σ_c Y_c² + ε) + b at every pixel, with a trainable scale s and shift b for each channel.

    Shapes: (B, C, H, W) → the same.
    Properties: each pixel by itself, so nothing depends on the batch and nothing has to be counted during training.
    Source: the code published with Ruthotto and Haber 2018, arXiv:1804.04272 (tvNorm). Differs: none; ε = 1e-4.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, Y: Tensor) -> Tensor:
        length = (Y.square().sum(1, keepdim=True) + 1e-4).sqrt()
        return Y / length * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)


NORMS: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm2d, "tv": TvNorm}
