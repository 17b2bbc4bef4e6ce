"""The encoder of models/lite0.py in ONNX: timm's convolutions, each with its batch normalisation and σ = min(max(·, 0), 6)."""

from typing import Any

import numpy as np
from torch import nn

from imexseg.export.graph import Graph
from imexseg.export.operators import convolution
from imexseg.models.lite0 import Lite0Encoder


def encoder_features(g: Graph, image: str, encoder: Lite0Encoder) -> list[str]:
    """Shapes: (B, in_channels, H, W) → the features at strides 4, 8, 16 (32); H and W multiples of the last."""
    features = []
    with g.scope("encoder"):
        Y = _layer(g, image, encoder.conv_stem, encoder.bn1)
        for number, group in enumerate(encoder.blocks):
            for block in group:  # type: ignore[attr-defined]
                Y = _block(g, Y, block)
            if number in encoder.last:
                features.append(Y)
    return features


def _block(g: Graph, X: str, block: Any) -> str:
    """Depthwise-separable, or expand → depthwise → project; with the input added where timm does."""
    if type(block).__name__ == "DepthwiseSeparableConv":
        layers = [(block.conv_dw, block.bn1), (block.conv_pw, block.bn2)]
    else:
        layers = [(block.conv_pw, block.bn1), (block.conv_dw, block.bn2), (block.conv_pwl, block.bn3)]
    Y = X
    for layer, norm in layers:
        Y = _layer(g, Y, layer, norm)
    return g.node("Add", Y, X) if block.has_skip else Y


def _layer(g: Graph, X: str, layer: nn.Conv2d, norm: Any) -> str:
    sides = [_same(kernel, stride) for kernel, stride in zip(layer.kernel_size, layer.stride, strict=True)]
    pads = [before for before, _ in sides] + [after for _, after in sides]
    Y = convolution(g, X, layer, norm, pads)
    if isinstance(norm.act, nn.ReLU6):
        return g.node("Clip", Y, *(g.weight(np.array(bound)) for bound in (0, 6)))
    assert isinstance(norm.act, nn.Identity)
    return Y


def _same(kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's padding before and behind a side that the stride divides."""
    total = kernel - stride
    return total // 2, total - total // 2
