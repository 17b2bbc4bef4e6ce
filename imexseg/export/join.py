"""One graph inserted into another: outputs are connected to inputs of the same name."""

import onnx
import onnx_ir as ir


def joined(outer: onnx.ModelProto, inner: onnx.ModelProto) -> ir.Model:
    """Inputs and outputs of `outer`, but for those that `inner` gives and takes."""
    graph = onnx.GraphProto()
    between = {value.name for value in (*inner.graph.input, *inner.graph.output)}
    graph.input.extend(value for value in outer.graph.input if value.name not in between)
    graph.output.extend(value for value in outer.graph.output if value.name not in between)
    for prefix, part in (("ends", outer), ("layers", inner)):
        own = {value.name for value in (*part.graph.input, *part.graph.output)}
        assert not part.functions

        def renamed(name: str, own: set[str] = own, prefix: str = prefix) -> str:
            return name if name in own or not name else f"{prefix}/{name}"

        for node in part.graph.node:
            added = graph.node.add()
            added.CopyFrom(node)
            added.name = renamed(node.name)
            added.input[:] = map(renamed, node.input)
            added.output[:] = map(renamed, node.output)
        for tensor in part.graph.initializer:
            stored = graph.initializer.add()
            stored.CopyFrom(tensor)
            stored.name = renamed(tensor.name)
    model = onnx.ModelProto()
    model.CopyFrom(outer)
    model.graph.CopyFrom(graph)
    whole = ir.from_proto(model)
    whole.graph.sort()
    return whole
