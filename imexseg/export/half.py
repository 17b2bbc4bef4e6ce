"""Weights and features in half precision.

The states Y stay in float32, what is added to them is float16: rounding the state itself at every step as well nearly doubles
the error. So do sizes, tables and symbols until they are multiplied with features, and the logits.
"""

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

_ALWAYS = {"Conv", "MatMul"}
# Half where all features that come in are.
_AS_INPUT = {"Relu", "Clip", "Add", "Sub", "Mul", "Neg", "Concat", "Split", "Slice", "Pad", "AveragePool"}


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Image and outputs keep their types."""
    graph = model.graph
    users: dict[str, int] = {}
    for node in graph.node:
        for name in node.input:
            users[name] = users.get(name, 0) + 1
    of_image, half = {"image"}, set()
    wide = []
    for node in graph.node:
        features = [name for name in node.input if name in of_image]
        if features and node.op_type != "Shape":
            of_image.update(node.output)
        # What is used twice is a state, or joins one.
        follows = all(name in half and users[name] == 1 for name in features)
        if features and (node.op_type in _ALWAYS or (node.op_type in _AS_INPUT and follows)):
            half.update(node.output)
        else:
            wide.append(node.name)
    converted = convert_float_to_float16(model, keep_io_types=True, node_block_list=wide, disable_shape_infer=False)
    OnnxModel(converted).topological_sort()  # the converter appends its casts at the end
    return converted
