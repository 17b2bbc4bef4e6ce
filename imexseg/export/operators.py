"""Operators K, their adjoints and normalisations in ONNX, with a scale for each output channel folded into the weights."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from imexseg.export.graph import Graph
from imexseg.layers.norms import TvNorm
from imexseg.layers.operators import (
    CouplingOperator,
    DenseOperator,
    DepthwiseOperator,
    LeanOperator,
    Operator,
    SeparableOperator,
)


def array(tensor: Tensor) -> np.ndarray:
    """In double precision: scales are folded before anything is rounded."""
    return tensor.detach().cpu().double().numpy()


def extend(g: Graph, X: str, boundary: str) -> str:
    """One pixel more on each side, boundary periodic or reflect. Shapes: (B, C, H, W) → (B, C, H+2, W+2)."""
    if boundary == "reflect":
        return g.node("Pad", X, g.integers(0, 0, 1, 1, 0, 0, 1, 1), mode="edge")
    for axis in (-2, -1):
        X = g.node("Concat", g.slice(X, axis, -1, 2**31), X, g.slice(X, axis, 0, 1), axis=axis)
    return X


def extend_adjoint(g: Graph, X: str) -> str:
    """The adjoint of extend with boundary reflect: the ring is added back to the edge. At least two pixels a side."""
    for axis in (-2, -1):
        first = g.node("Add", g.slice(X, axis, 0, 1), g.slice(X, axis, 1, 2))
        last = g.node("Add", g.slice(X, axis, -2, -1), g.slice(X, axis, -1, 2**31))
        X = g.node("Concat", first, g.slice(X, axis, 2, -2), last, axis=axis)
    return X


def _stencils(g: Graph, X: str, weight: np.ndarray, boundary: str, *bias: str, group: int = 1) -> str:
    """A 3×3 convolution that keeps the size; zeros outside are what a runtime's own convolution takes there."""
    if boundary == "zero":
        return g.node("Conv", X, g.weight(weight), *bias, pads=[1, 1, 1, 1], group=group)
    return g.node("Conv", extend(g, X, boundary), g.weight(weight), *bias, group=group)


def apply(g: Graph, K: Operator, X: str, scale: np.ndarray, shift: np.ndarray | None = None) -> str:
    """scale_c (KX)_c + shift_c. Shapes: X (B, C, H, W), scale and shift (C,)."""
    bias = [g.weight(shift)] if shift is not None else []
    if isinstance(K, DenseOperator):
        weight = array(K.weight) * scale[:, None, None, None]
        return _stencils(g, X, weight, K.boundary, *bias)
    if isinstance(K, CouplingOperator):
        return g.node("Conv", X, g.weight((array(K.weight) * scale[:, None])[:, :, None, None]), *bias)
    if isinstance(K, DepthwiseOperator):
        weight = array(K._weight()) * scale[:, None, None, None]
        return _stencils(g, X, weight, K.boundary, *bias, group=len(scale))
    if isinstance(K, LeanOperator):
        return g.node("Add", apply(g, K.depthwise, X, scale, shift), apply(g, K.coupling, X, scale))
    assert isinstance(K, SeparableOperator)
    return apply(g, K.coupling, apply(g, K.depthwise, X, np.ones_like(scale)), scale, shift)


def apply_adjoint(g: Graph, K: Operator, X: str, scale: np.ndarray) -> str:
    """scale_c (KᵀX)_c. On a periodic grid and with zeros outside Kᵀ is the convolution with the stencil turned round."""
    if isinstance(K, DenseOperator):
        weight = array(K.weight) * scale[:, None, None]  # (out, in): scaled by the channel that Kᵀ writes
        if K.boundary != "reflect":
            return _stencils(g, X, weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1], K.boundary)
        return extend_adjoint(g, g.node("ConvTranspose", X, g.weight(weight)))
    if isinstance(K, CouplingOperator):
        return g.node("Conv", X, g.weight((array(K.weight).T * scale[:, None])[:, :, None, None]))
    if isinstance(K, DepthwiseOperator):
        weight = array(K._weight()) * scale[:, None, None, None]
        if K.boundary != "reflect":
            return _stencils(g, X, weight[:, :, ::-1, ::-1], K.boundary, group=len(scale))
        return extend_adjoint(g, g.node("ConvTranspose", X, g.weight(weight), group=len(scale)))
    if isinstance(K, LeanOperator):
        return g.node("Add", apply_adjoint(g, K.depthwise, X, scale), apply_adjoint(g, K.coupling, X, scale))
    assert isinstance(K, SeparableOperator)
    return apply_adjoint(g, K.depthwise, apply_adjoint(g, K.coupling, X, np.ones(len(scale))), scale)


def scale_and_shift_of(norm: nn.Module) -> tuple[np.ndarray, np.ndarray] | None:
    """Batch normalisation in evaluation mode as (scale, shift) by channel; None for one that depends on the features."""
    if not isinstance(norm, nn.BatchNorm2d):
        return None
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = array(norm.weight) / np.sqrt(array(norm.running_var) + norm.eps)
    return scale, array(norm.bias) - scale * array(norm.running_mean)


def normalise(g: Graph, X: str, norm: nn.Module) -> str:
    """N by itself, where it cannot be folded."""
    folded = scale_and_shift_of(norm)
    if folded is not None:
        return g.scale_and_shift(X, *folded)
    assert isinstance(norm, TvNorm)
    squares = g.node("ReduceSum", g.node("Mul", X, X), g.integers(1), keepdims=1)
    length = g.node("Sqrt", g.node("Add", squares, g.weight(np.array(1e-4))))
    return g.scale_and_shift(g.node("Div", X, length), array(norm.weight), array(norm.bias))


def convolution(
    g: Graph, X: str, layer: nn.Conv2d, norm: nn.Module | None = None, pads: list[int] | None = None
) -> str:
    """A convolution as torch has it, and the N behind it. Args: pads: as ONNX has them, in the place of the layer's own."""
    weight = array(layer.weight)
    bias = array(layer.bias) if layer.bias is not None else np.zeros(len(weight))
    folded = scale_and_shift_of(norm) if norm is not None else None
    if folded is not None:
        scale, shift = folded
        weight, bias = weight * scale[:, None, None, None], bias * scale + shift
    settings: dict[str, Any] = {"strides": list(layer.stride), "pads": pads or [*layer.padding, *layer.padding]}
    out = g.node("Conv", X, g.weight(weight), g.weight(bias), group=layer.groups, **settings)
    return normalise(g, out, norm) if norm is not None and folded is None else out
