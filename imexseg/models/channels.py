"""Adapting a trained first layer to a different number of input channels."""

from torch import Tensor


def spread_channels(kernel: Tensor, n_channels: int) -> Tensor:
    """The sum of the old channels, equally over the new ones. Shapes: (C, n_old, k, k) → (C, n_channels, k, k).

    Properties: the same number of channels changes nothing; on images whose channels are all equal it answers what the old
    one answered.
    """
    if kernel.shape[1] == n_channels:
        return kernel
    return kernel.sum(1, keepdim=True).expand(-1, n_channels, -1, -1) / n_channels
