"""Attention whose cost is linear in the number of points."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LinearAttention(nn.Module):
    """X + s · φ(Q)(φ(K)ᵀ V) / (φ(Q) Σφ(K)), φ(x) = elu(x) + 1, Q and K of d channels, V = X.

    Weights: 2dC + 2d + C.
    Source: Katharopoulos et al. 2020, arXiv:2006.16236, equations 4 to 7. Differs: one head; V is X, because K₂ of f comes
    before; added with a factor s for each channel. As in theirs, position enters by the values alone.
    """

    def __init__(self, channels: int, keys: int = 8):
        super().__init__()
        self.query = nn.Conv2d(channels, keys, 1)
        self.key = nn.Conv2d(channels, keys, 1)
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, X: Tensor) -> Tensor:
        Q = (F.elu(self.query(X)) + 1).flatten(2)
        K = (F.elu(self.key(X)) + 1).flatten(2)
        V = X.flatten(2)
        summed = V @ K.transpose(1, 2)  # (B, C, d)
        weight = K.sum(2)[:, None] @ Q  # (B, 1, N)
        return X + self.scale * (summed @ Q / weight).view_as(X)
