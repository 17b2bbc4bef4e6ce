"""The whole file: image in as a camera gives it, class map out; what is between is in network.py."""

import io
import json
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto

import imexseg
from imexseg.errors import UsageError
from imexseg.export.graph import ELEMENT_TYPES, OPSET, Graph
from imexseg.export.network import Grid, logits
from imexseg.export.solve import Side
from imexseg.inference.overlap import seen_radius_of
from imexseg.models.facts import count_parameters
from imexseg.models.network import ImageNetwork, SegmentationNetwork

METADATA_KEY = "imexseg"


@dataclass(frozen=True)
class ExportOptions:
    """size: (height, width) in pixels, None for any. precision: fp32 or fp16."""

    size: tuple[int, int] | None
    precision: str = "fp32"
    probabilities: bool = False
    logits: bool = False  # for the comparison with torch only


def minimum_size(network: ImageNetwork) -> int:
    """Pixels: the coarsest grid needs two points a side, where adjoints and neighbours differ from each other."""
    return 2 * network.total_stride if isinstance(network, SegmentationNetwork) else network.total_stride


def build(network: ImageNetwork, options: ExportOptions) -> onnx.ModelProto:
    """The model as one protobuf with all weights inside.

    Raises: UsageError for a size below the minimum, or a network of another library with a free size.
    """
    least = minimum_size(network)
    if options.size is not None and min(options.size) < least:
        raise UsageError(f"--size {options.size[0]} {options.size[1]}: this network needs at least {least} px a side")
    if isinstance(network, SegmentationNetwork):
        model = _own(network, options)
    elif options.size is None:
        raise UsageError(f"--dynamic: {network.info.model} is exported with a fixed size only; give --size H W")
    else:
        model = _peer(network, options)
    return model


def metadata(network: ImageNetwork, options: ExportOptions, precision: str) -> dict[str, str]:
    """What a runtime needs to know, so that it needs no second file."""
    info = network.info
    facts: dict[str, Any] = {
        "format": 1,
        "model": info.model,
        "names": info.names,
        "palette": info.palette,
        "in_channels": network.config.in_channels,
        "full_scale": info.full_scale,
        "size": list(options.size) if options.size else None,
        "minimum_size": [minimum_size(network)] * 2,
        "precision": precision,
        "licence": "of whoever trained it; imexseg itself is Apache-2.0",
        "version": imexseg.__version__,
        "metrics": info.metrics,
        "data": info.data,
        "augmentation": str(info.training.get("augmentation", "")),
        "seen_radius": seen_radius_of(network),
        "parameters": count_parameters(network),
    }
    return {METADATA_KEY: json.dumps(facts, ensure_ascii=False)}


def _own(network: SegmentationNetwork, options: ExportOptions) -> onnx.ModelProto:
    g = Graph(half=options.precision == "fp16")
    config = network.config
    stride = config.total_stride
    image_type = ELEMENT_TYPES[network.info.full_scale]
    with g.scope("input"):
        X = g.node("Transpose", "image", perm=[0, 3, 1, 2])
        if image_type != TensorProto.FLOAT:
            X = g.node("Cast", X, to=TensorProto.FLOAT)
        mean, std = (np.asarray(v, np.float32).reshape(-1, 1, 1) for v in (config.mean, config.std))
        X = g.node("Div", g.node("Sub", X, g.constant(mean)), g.constant(std))
        if options.precision == "fp16":
            X = g.node("Cast", X, to=TensorProto.FLOAT16)
        if options.size is not None:
            height, width = options.size
            X, crop = _pad_fixed(g, X, height, width, stride)
            padded = [height + -height % stride, width + -width % stride]
            grids = [_fixed_grid(padded, config.stride * (2**k if config.pool else 1)) for k in range(config.n_stages)]
        else:
            X, crop, padded_sides = _pad_dynamic(g, X, stride)
            grids = [
                _dynamic_grid(g, padded_sides, config.stride * (2**k if config.pool else 1))
                for k in range(config.n_stages)
            ]
    scores = logits(g, X, network, grids)
    with g.scope("output"):
        if crop is not None:
            scores = g.node("Slice", scores, g.integers(0, 0), crop, g.integers(2, 3))
        classes = g.node("Cast", g.node("ArgMax", scores, axis=1, keepdims=0), to=TensorProto.UINT8)
        wanted = [("classes", classes, TensorProto.UINT8)]
        if options.probabilities or options.logits:
            exact = g.node("Cast", scores, to=TensorProto.FLOAT) if options.precision == "fp16" else scores
        if options.probabilities:
            wanted.append(("probabilities", g.node("Softmax", exact, axis=1), TensorProto.FLOAT))
        if options.logits:
            wanted.append(("logits", exact, TensorProto.FLOAT))
        for name, value, _ in wanted:
            g.nodes.append(onnx.helper.make_node("Identity", [value], [name], f"output/{name}"))
    sides: list[int | str] = list(options.size) if options.size else ["height", "width"]
    batch: int | str = 1 if options.size else "batch"
    shapes = {"classes": [batch, *sides]}
    outputs = [(name, kind, shapes.get(name, [batch, config.num_classes, *sides])) for name, _, kind in wanted]
    inputs = [("image", image_type, [batch, *sides, config.in_channels])]
    return g.model(inputs, outputs, metadata(network, options, options.precision))


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


class _AsCameraGivesIt(torch.nn.Module):
    """Image (1, H, W, C) as it is in, the outputs that were asked for out."""

    def __init__(self, network: ImageNetwork, options: ExportOptions):
        super().__init__()
        self.network = network
        self.options = options

    def forward(self, image: torch.Tensor):
        scores = self.network(image.permute(0, 3, 1, 2).float())
        outputs = [scores.argmax(1).to(torch.uint8)]
        if self.options.probabilities:
            outputs.append(scores.softmax(1))
        if self.options.logits:
            outputs.append(scores)
        return tuple(outputs)


def _peer(network: ImageNetwork, options: ExportOptions) -> onnx.ModelProto:
    """A network of segmentation-models-pytorch, by torch's own exporter."""
    if options.precision == "fp16":
        raise UsageError(
            f"--precision fp16: {network.info.model} is exported in fp32 or int8; it is there to compare with"
        )
    assert options.size is not None
    kind = {255.0: torch.uint8, 65535.0: torch.uint16, 1.0: torch.float32}[network.info.full_scale]
    image = torch.zeros(1, *options.size, network.config.in_channels).to(kind)
    names = ["classes", *(["probabilities"] if options.probabilities else []), *(["logits"] if options.logits else [])]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _AsCameraGivesIt(network.eval(), options).eval(),
            (image,),
            dynamo=True,
            verbose=False,
            input_names=["image"],
            output_names=names,
            opset_version=OPSET,
        )
    assert program is not None
    buffer = io.BytesIO()
    program.save(buffer)
    model = onnx.load_from_string(buffer.getvalue())
    model.producer_name = "imexseg"
    onnx.helper.set_model_props(model, metadata(network, options, options.precision))
    return model
