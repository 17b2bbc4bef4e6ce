"""A free number for every low mode of every channel."""

import torch
from torch import Tensor, nn

from benchmarks.contenders.modes import waves


class FreeFilter(nn.Module):
    """X + F⁻¹(G · F X), G complex and free for |k₁| ≤ m, 0 ≤ k₂ ≤ m of every channel, 0 for all other modes.

    Weights: 2(2m + 1)(m + 1)C. Boundary: periodic.
    Source: the global filter layer of GFNet, Rao et al. 2021, arXiv:2107.00645, equation 5. Differs: they have one number
    for each mode of the grid, for 32 channels on 32 × 32 points 34 816 of them in every layer, twice a whole network here; so the
    high modes are left as they are. Modes are counted in waves per image, so the layer takes any size.
    """

    def __init__(self, channels: int, largest: int = 2):
        super().__init__()
        self.largest = largest
        self.filter = nn.Parameter(0.02 * torch.randn(2, channels, 2 * largest + 1, largest + 1))

    def forward(self, X: Tensor) -> Tensor:
        height, width = X.shape[-2:]
        C1, S1 = waves(height, self.largest, X)
        C2, S2 = (table[len(table) // 2 :] for table in waves(width, self.largest, X))
        # F X = (C₁ - iS₁) X (C₂ - iS₂)ᵀ in real numbers.
        right_real, right_imag = X @ C2.T, -X @ S2.T
        real = C1 @ right_real + S1 @ right_imag
        imag = C1 @ right_imag - S1 @ right_real
        skipped = self.largest - len(C1) // 2  # modes that a small grid does not have
        G = self.filter[:, :, skipped : len(self.filter[0, 0]) - skipped, : len(C2)]
        real, imag = G[0] * real - G[1] * imag, G[0] * imag + G[1] * real
        # The modes -k₂ are the conjugates of k₂: twice the real part.
        whole = height * width
        share = torch.cat([X.new_full((1, 1), 1.0 / whole), X.new_full((len(C2) - 1, 1), 2.0 / whole)])
        up_real, up_imag = C1.T @ real - S1.T @ imag, C1.T @ imag + S1.T @ real
        return X + up_real @ (share * C2) - up_imag @ (share * S2)
