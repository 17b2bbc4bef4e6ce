"""The complete file: raw image in, class map out; the part in between is in network.py."""

import numpy as np
import onnx
from onnx import TensorProto

from imexseg.errors import UsageError
from imexseg.export.graph import Graph
from imexseg.export.metadata import ExportOptions, metadata
from imexseg.export.network import Grid, grid_strides, logits
from imexseg.export.peer import build_peer
from imexseg.export.sample_images import element_type
from imexseg.export.scaling import scale_back, scale_image
from imexseg.export.solve import Side
from imexseg.models.contract import ImageNetwork
from imexseg.models.lite0 import Lite0Network
from imexseg.models.network import SegmentationNetwork


def build(network: ImageNetwork, options: ExportOptions) -> onnx.ModelProto:
    """The model as one protobuf with all weights inside.

    Raises: UsageError for a size below the minimum, or a network of another library with a free size.
    """
    least = network.smallest_exported_side
    if options.size is not None and min(options.size) < least:
        raise UsageError(f"--size {options.size[0]} {options.size[1]}: this network needs at least {least} px a side")
    if isinstance(network, SegmentationNetwork | Lite0Network):
        model = _own(network, options)
    elif options.size is None:
        raise UsageError(f"--dynamic: {network.info.model} is exported with a fixed size only; give --size H W")
    else:
        model = build_peer(network, options)
    return model


def _own(network: SegmentationNetwork | Lite0Network, options: ExportOptions) -> onnx.ModelProto:
    g = Graph(half=options.precision == "fp16")
    config = network.config
    stride = network.total_stride
    strides = grid_strides(network)
    image_type = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(element_type(network.info)))
    size = options.size
    with g.scope("input"):
        X = g.node("Transpose", "image", perm=[0, 3, 1, 2])
        if image_type != TensorProto.FLOAT:
            X = g.node("Cast", X, to=TensorProto.FLOAT)
        whole = None  # the size to scale back to
        if config.long_side is not None:
            X, whole, size = scale_image(g, X, size, config.long_side, network.smallest_side)
        mean, std = (np.asarray(v, np.float32).reshape(-1, 1, 1) for v in (config.mean, config.std))
        X = g.node("Div", g.node("Sub", X, g.constant(mean)), g.constant(std))
        X = g.narrow(X)
        if size is not None:
            height, width = size
            X, crop = _pad_fixed(g, X, height, width, stride)
            padded = [height + -height % stride, width + -width % stride]
            grids = [_fixed_grid(padded, s) for s in strides]
        else:
            X, crop, padded_sides = _pad_dynamic(g, X, stride)
            grids = [_dynamic_grid(g, padded_sides, s) for s in strides]
    scores = logits(g, X, network, grids)
    with g.scope("output"):
        if crop is not None:
            scores = g.node("Slice", scores, g.integers(0, 0), crop, g.integers(2, 3))
        if whole is not None:
            scores = scale_back(g, scores, whole)
        classes = g.node("Cast", g.node("ArgMax", scores, axis=1, keepdims=0), to=TensorProto.UINT8)
        wanted = [("classes", classes, TensorProto.UINT8)]
        if options.probabilities:
            wanted.append(("probabilities", g.node("Softmax", scores, axis=1), TensorProto.FLOAT))
        if options.logits:
            wanted.append(("logits", scores, TensorProto.FLOAT))
        for name, value, _ in wanted:
            g.nodes.append(onnx.helper.make_node("Identity", [value], [name], f"output/{name}"))
    sides: list[int | str] = list(options.size) if options.size else ["height", "width"]
    batch: int | str = 1 if options.size else "batch"
    shapes = {"classes": [batch, *sides]}
    outputs = [(name, kind, shapes.get(name, [batch, config.num_classes, *sides])) for name, _, kind in wanted]
    inputs = [("image", image_type, [batch, *sides, config.in_channels])]
    return g.model(inputs, outputs, metadata(network, options))


def _pad_fixed(g: Graph, X: str, height: int, width: int, stride: int) -> tuple[str, str | None]:
    """Repeat the last row and column up to the stride. Returns: the result, and the sizes to crop back to if any."""
    bottom, right = -height % stride, -width % stride
    if not bottom and not right:
        return X, None
    X = g.node("Pad", X, g.integers(0, 0, 0, 0, 0, 0, bottom, right), mode="edge")
    return X, g.integers(height, width)


def _pad_dynamic(g: Graph, X: str, stride: int) -> tuple[str, str, str]:
    """As _pad_fixed. Returns also the padded (height, width), a 2-vector."""
    sides = g.node("Slice", g.node("Shape", X), g.integers(2), g.integers(4), g.integers(0))
    missing = g.node("Mod", g.node("Neg", sides), g.integers(stride))  # the sign of Mod is that of the divisor
    X = g.node("Pad", X, g.node("Concat", g.integers(0, 0, 0, 0, 0, 0), missing, axis=0), mode="edge")
    return X, sides, g.node("Add", sides, missing)


def _fixed_grid(padded: list[int], stride: int) -> Grid:
    return Side(padded[0] // stride), Side(padded[1] // stride)


def _dynamic_grid(g: Graph, padded: str, stride: int) -> Grid:
    sides = g.node("Div", padded, g.integers(stride))
    grid = []
    for axis in (0, 1):
        length = g.node("Gather", sides, g.constant(np.array(axis, np.int64)), axis=0)
        grid.append(Side(None, length, g.node("Cast", length, to=TensorProto.FLOAT)))
    return grid[0], grid[1]
