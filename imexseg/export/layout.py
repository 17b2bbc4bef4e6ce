"""What makes an int8 file fast in onnxruntime, which computes convolutions in int8 with the channels last."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from imexseg.export.compact import remove_unused

_EPSILON = 1e-5


def with_channels_first(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which (X − mean) / deviation is one BatchNormalization; the same function up to rounding.

    onnxruntime moves the transposition of an image behind what is done to every number by itself. A difference and a quotient
    with three numbers for each pixel then take 20 times as long, more than all convolutions of a tiny network. A
    normalisation knows its channels by their place, so the transposition stays before it.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    made_by = {name: node for node in graph.node for name in node.output}
    for divided in [node for node in graph.node if node.op_type == "Div"]:
        shifted = made_by.get(divided.input[0])
        if shifted is None or shifted.op_type != "Sub":
            continue
        tensors = [stored.get(node.input[1]) for node in (shifted, divided)]
        if not all(_of_channels(tensor) for tensor in tensors):
            continue
        mean, deviation = (numpy_helper.to_array(tensor).ravel() for tensor in tensors if tensor is not None)
        constants = {
            "scale": 1 / deviation,
            "shift": np.zeros_like(mean),
            "mean": mean,
            "variance": np.full_like(mean, 1 - _EPSILON),
        }
        name = divided.output[0]
        graph.initializer.extend(
            numpy_helper.from_array(value, f"{name}_of_images_{kind}") for kind, value in constants.items()
        )
        inputs = [shifted.input[0], *(f"{name}_of_images_{kind}" for kind in constants)]
        made = helper.make_node("BatchNormalization", inputs, [name], f"{name}_of_images", epsilon=_EPSILON)
        graph.node.insert(list(graph.node).index(divided), made)
        graph.node.remove(divided)
    remove_unused(graph)
    return changed


def _of_channels(tensor: onnx.TensorProto | None) -> bool:
    """Is it a number for each channel of an image, (1, C, 1, 1)?"""
    return tensor is not None and len(tensor.dims) == 4 and list(tensor.dims) == [1, tensor.dims[1], 1, 1]


def left_matrices(model: onnx.ModelProto) -> set[str]:
    """Constant matrices that stand on the left of a product. With a scale for each row, onnxruntime computes it in float."""
    stored = {tensor.name for tensor in model.graph.initializer}
    return {node.input[0] for node in model.graph.node if node.op_type == "MatMul"} & stored
