"""Small exported networks that follow the contract of `imexseg export`, whose masks are exact on every runtime."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

NAMES = ["background", "middle", "bright"]
PALETTE = [[40, 42, 54], [240, 228, 66], [0, 158, 115]]
THRESHOLDS = (80, 170)  # of 255: between the classes
_TYPES = {"uint8": TensorProto.UINT8, "uint16": TensorProto.UINT16, "float32": TensorProto.FLOAT}


def box_model(size: tuple[int, int] | None = (64, 64), channels: int = 1, kind: str = "uint8") -> onnx.ModelProto:
    """Classes by the mean over a 5×5 box and all channels, against two thresholds.

    Sums of integers below 2²⁴ are exact in float32, whatever their order: any two runtimes agree on every pixel.
    """
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[kind]
    height, width = size or ("H", "W")
    weight = np.ones((1, channels, 5, 5), dtype=np.float32)
    n = helper.make_node
    nodes = [
        n("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
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
    low, high = (np.float32(threshold / 255 * white * 25 * channels) for threshold in THRESHOLDS)
    constants = {"box": weight, "axis": np.array([1]), "low": np.array(low), "high": np.array(high)}
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
    }
    helper.set_model_props(model, {"imexseg": json.dumps(metadata)})
    return model


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of test networks; read only."""
    folder = tmp_path_factory.mktemp("models")
    made = {
        "qtips": box_model((64, 64)),  # in the place of those that come with the page
        "qtips-pile": box_model((128, 128)),
        "colour": box_model((48, 80), channels=3),
        "dynamic": box_model(None),
        "deep": box_model(None, kind="uint16"),
        "float": box_model(None, kind="float32"),
    }
    for name, model in made.items():
        onnx.save(model, folder / f"{name}.onnx")
    bare = box_model()
    del bare.metadata_props[:]
    onnx.save(bare, folder / "bare.onnx")
    (folder / "text.onnx").write_text("hello, I am a text\n" * 5)
    return folder
