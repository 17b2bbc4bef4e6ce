"""Convolutions of few weights that reach far."""

from torch import Tensor, nn


def _depthwise(channels: int, taps: int, axis: int, dilation: int = 1) -> nn.Conv2d:
    """A convolution along one axis, every channel by itself, the size kept by zeros outside."""
    size, spacing, padding = [1, 1], [1, 1], [0, 0]
    size[axis], spacing[axis], padding[axis] = taps, dilation, dilation * (taps // 2)
    return nn.Conv2d(channels, channels, tuple(size), padding=tuple(padding), dilation=tuple(spacing), groups=channels)


class Separable31(nn.Module):
    """X + a depthwise kernel of 31 rows, then one of 31 columns: 64C weights.

    Source: the 31×31 depthwise kernels of RepLKNet, Ding et al. 2022, arXiv:2203.06717, separated as in Peng et al. 2017,
    arXiv:1703.02719. Differs: one of the two orders instead of the sum of both; no second, small kernel, as f has those.
    """

    def __init__(self, channels: int, taps: int = 31):
        super().__init__()
        self.rows = _depthwise(channels, taps, 0)
        self.columns = _depthwise(channels, taps, 1)

    def forward(self, X: Tensor) -> Tensor:
        return X + self.columns(self.rows(X))


class DilatedAttention(nn.Module):
    """X · W D(X), D: depthwise 5×5, then 7×7 of every third point, both separated; W a 1×1 map. 23 × 23 points in view.

    Source: large-kernel attention, Guo et al. 2022, arXiv:2202.09741, equations 1 and 2, separated as in Lau, Po, Rehman 2023,
    arXiv:2309.01439 (LSKA). Differs: none.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.near = nn.Sequential(_depthwise(channels, 5, 1), _depthwise(channels, 5, 0))
        self.far = nn.Sequential(_depthwise(channels, 7, 1, 3), _depthwise(channels, 7, 0, 3))
        self.couple = nn.Conv2d(channels, channels, 1)

    def forward(self, X: Tensor) -> Tensor:
        return X * self.couple(self.far(self.near(X)))
