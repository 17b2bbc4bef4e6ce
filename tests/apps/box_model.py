"""Small exported networks that follow the contract of `imexseg export`, whose masks are exact on every runtime."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from imexseg.models.checksum import UNSEALED, sealed

NAMES = ["background", "middle", "bright"]
PALETTE = [[40, 42, 54], [240, 228, 66], [0, 158, 115]]
THRESHOLDS = (80, 170)  # of 255: between the classes
_TYPES = {"uint8": TensorProto.UINT8, "uint16": TensorProto.UINT16, "float32": TensorProto.FLOAT}


def box_model(size: tuple[int, int] | None = (64, 64), channels: int = 1, kind: str = "uint8") -> onnx.ModelProto:
    """Classes by the mean over a 5×5 box and all channels, against two thresholds.

    Sums of integers below 2²⁴ are exact in float32, whatever their order: any two runtimes agree on every pixel.
    """
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[kind]
    counts = 255 if kind == "float32" else white  # floating point is brought to whole numbers first
    height, width = size or ("H", "W")
    weight = np.ones((1, channels, 5, 5), dtype=np.float32)
    n = helper.make_node
    nodes = [
        n("Cast", ["image"], ["numbers"], to=TensorProto.FLOAT),
        n("Mul", ["numbers", "scale"], ["scaled"]),
        n("Round", ["scaled"], ["pixels"]),
        n("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        n("Conv", ["planes", "box"], ["sums"], pads=[2, 2, 2, 2]),
        n("Squeeze", ["sums", "axis"], ["sum"]),
        n("Greater", ["sum", "low"], ["above_low"]),
        n("Greater", ["sum", "high"], ["above_high"]),
        n("Cast", ["above_low"], ["one"], to=TensorProto.UINT8),
        n("Cast", ["above_high"], ["two"], to=TensorProto.INT32),
        n("Cast", ["one"], ["one_int"], to=TensorProto.INT32),
        n("Add", ["one_int", "two"], ["number"]),
        n("Cast", ["number"], ["classes"], to=TensorProto.UINT8),
    ]
    low, high = (np.float32(threshold / 255 * counts * 25 * channels) for threshold in THRESHOLDS)
    scale = np.float32(counts / white)
    constants = {
        "scale": np.array(scale),
        "box": weight,
        "axis": np.array([1]),
        "low": np.array(low),
        "high": np.array(high),
    }
    graph = helper.make_graph(
        nodes,
        "box",
        [helper.make_tensor_value_info("image", _TYPES[kind], [1, height, width, channels])],
        [helper.make_tensor_value_info("classes", TensorProto.UINT8, [1, height, width])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    metadata = {
        "format": 1,
        "model": "box",
        "names": NAMES,
        "palette": PALETTE,
        "in_channels": channels,
        "full_scale": white,
        "size": size and list(size),
        "precision": "fp32",
        "licence": "Apache-2.0",
        "version": "0",
        "metrics": {"split": "val", "miou": 0.5},
        "data": {"name": "boxes"},
        "parameters": weight.size,
        "seen_radius": 2,
        "minimum_size": [1, 1],
    }
    helper.set_model_props(model, {"imexseg": json.dumps(metadata)})
    return model


def sealed_model(model: onnx.ModelProto) -> bytes:
    """The file as `imexseg export` would write it: of the present format, with a checksum."""
    entry = model.metadata_props[0]
    entry.value = json.dumps(json.loads(entry.value) | {"format": 2, "checksum": UNSEALED})
    return sealed(model.SerializeToString())
