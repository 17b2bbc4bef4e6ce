"""One coupling of channels for all low modes."""

from torch import Tensor, nn

from benchmarks.contenders.modes import waves


class SharedHartley(nn.Module):
    """X + H⁻¹(R · H X), H the real Hartley transform cut to |k₁|, |k₂| ≤ m, R one C × C matrix for all modes.

    Weights: C². Boundary: periodic.
    Source: HNOSeg-XS, Wong, Wang, Syeda-Mahmood 2025, arXiv:2507.08205: a Hartley neural operator with parameters shared by the
    modes. Differs: the pointwise map beside it is X itself, because K₂ of f comes before.
    """

    def __init__(self, channels: int, largest: int = 6):
        super().__init__()
        self.largest = largest
        self.shared = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, X: Tensor) -> Tensor:
        height, width = X.shape[-2:]
        C1, S1 = waves(height, self.largest, X)
        C2, S2 = waves(width, self.largest, X)
        # cas(a + b) = cos a cas b + sin a cas(-b)
        plus, minus = C2 + S2, C2 - S2
        modes = self.shared(C1 @ X @ plus.T + S1 @ X @ minus.T)
        return X + (C1.T @ modes @ plus + S1.T @ modes @ minus) / (height * width)
