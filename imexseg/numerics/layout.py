"""The order in memory of features. On a CPU all channels of a pixel lie side by side: depthwise stencils, batch normalisation and
1×1 couplings take a third to a fortieth of the time that they take plane by plane (benchmarks/training_profile.py)."""

import torch
from torch import Tensor


def channels_last(X: Tensor) -> Tensor:
    """X in that order; as it is on a GPU, and where a network is exported. Shapes: (B, C, H, W) → the same."""
    if X.device.type != "cpu" or torch.compiler.is_exporting():
        return X
    if (
        X.shape[1] == 1 and X.is_contiguous()
    ):  # both orders at once: only these strides make a convolution go on in this one
        return X.as_strided(X.shape, (X.stride(0), 1, X.stride(2), 1))
    return X.contiguous(memory_format=torch.channels_last)


def is_channels_last(X: Tensor) -> bool:
    return X.device.type == "cpu" and X.is_contiguous(memory_format=torch.channels_last)


def empty_like(example: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Of another shape, in the same order. Shapes: (B, C, H, W) → shape, of four axes if the example is channels last."""
    order = torch.channels_last if len(shape) == 4 and is_channels_last(example) else torch.contiguous_format
    return torch.empty(shape, dtype=example.dtype, device=example.device, memory_format=order)


def as_laid_out(X: Tensor, example: Tensor) -> Tensor:
    """X in the order of another tensor of its shape."""
    return X.contiguous(memory_format=torch.channels_last) if is_channels_last(example) else X
