"""Graphs one behind the other: what one gives is what the next takes by the same name."""

import onnx


def joined(parts: dict[str, onnx.ModelProto]) -> onnx.ModelProto:
    """Args: parts: by the name that their values and nodes get in front of their own. Inputs and outputs keep theirs.

    Returns: inputs of the first, outputs of the last.
    """
    model = onnx.ModelProto()
    model.CopyFrom(list(parts.values())[-1])
    model.ClearField("graph")
    graph = model.graph
    for name, part in parts.items():
        own = {value.name for value in (*part.graph.input, *part.graph.output)}
        assert not part.functions
        for node in part.graph.node:
            added = graph.node.add()
            added.CopyFrom(node)
            added.name = f"{name}/{node.name}"
            for values in (added.input, added.output):
                values[:] = [v if v in own or not v else f"{name}/{v}" for v in values]
        for tensor in part.graph.initializer:
            added_tensor = graph.initializer.add()
            added_tensor.CopyFrom(tensor)
            added_tensor.name = f"{name}/{tensor.name}"
    first, *_, last = parts.values()
    graph.input.extend(first.graph.input)
    graph.output.extend(last.graph.output)
    return model
