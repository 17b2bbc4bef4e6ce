"""S·X as (Xᵀ·Sᵀ)ᵀ: a product with a constant matrix from the right, which TensorFlow Lite calls fully connected.

From the left it is a product of two unknown matrices there, for which the interpreter of microcontrollers keeps a transposed copy
of the features, all through the run.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper


def rewrite(source: Path, target: Path) -> None:
    """Args: source: a core file.  target: where the same function goes."""
    model = onnx.load(source)
    graph = model.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    turned: dict[str, str] = {}
    nodes = []
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[0] not in stored:
            nodes.append(node)
            continue
        matrix, X = node.input
        if matrix not in turned:
            turned[matrix] = f"{matrix}_turned"
            values = np.ascontiguousarray(numpy_helper.to_array(stored[matrix]).T)
            graph.initializer.append(numpy_helper.from_array(values, turned[matrix]))
        name = node.output[0]
        across = {"perm": [0, 1, 3, 2]}
        nodes += [
            helper.make_node("Transpose", [X], [f"{name}_across"], f"{node.name}_before", **across),
            helper.make_node("MatMul", [f"{name}_across", turned[matrix]], [f"{name}_turned"], f"{node.name}_product"),
            helper.make_node("Transpose", [f"{name}_turned"], [name], f"{node.name}_after", **across),
        ]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, target)
