"""The same graph in fewer bytes: in a file of a tiny network, names are as large as weights.

Exporters and quantisers derive the name of a value from the layer, the step and what was done to it before, which takes 30 kB of
an int8 file whose weights take 20.
"""

from collections.abc import Iterator
from itertools import count

import onnx

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def compact(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with names of a few letters, equal constants stored once, no settings that are ONNX's default, and no shapes that a
    runtime infers.

    Inputs, outputs and metadata stay as they are. Names of values are unique, in the bodies of loops, too.
    """
    smaller = onnx.ModelProto()
    smaller.CopyFrom(model)
    _store_once(smaller.graph)
    _leave_out_defaults(smaller.graph, next(opset.version for opset in smaller.opset_import if not opset.domain))
    public = {value.name for value in (*smaller.graph.input, *smaller.graph.output)}
    fresh = (name for name in map(_in_letters, count()) if name not in public)
    _rename(smaller.graph, {name: name for name in public}, fresh)
    return smaller


def remove_unused(graph: onnx.GraphProto) -> None:
    """Nodes and stored numbers that no output follows from. In place; not for graphs with loops."""
    used = {value.name for value in graph.output}
    for node in reversed(list(graph.node)):
        if used.intersection(node.output):
            used.update(node.input)
        else:
            graph.node.remove(node)
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)


def _store_once(graph: onnx.GraphProto) -> None:
    """Of stored numbers of the same type, shape and value, the first stays. Scales and offsets of int8 often are."""
    first: dict[bytes, str] = {}
    instead: dict[str, str] = {}
    kept = []
    for tensor in graph.initializer:
        unnamed = onnx.TensorProto()
        unnamed.CopyFrom(tensor)
        unnamed.ClearField("name")
        content = unnamed.SerializeToString(deterministic=True)
        if content in first:
            instead[tensor.name] = first[content]
        else:
            first[content] = tensor.name
            kept.append(tensor)
    del graph.initializer[:]
    graph.initializer.extend(kept)
    _read_instead(graph, instead)


def _read_instead(graph: onnx.GraphProto, instead: dict[str, str]) -> None:
    for node in graph.node:
        node.input[:] = [instead.get(name, name) for name in node.input]
        for body in _bodies(node):
            _read_instead(body, instead)


def _leave_out_defaults(graph: onnx.GraphProto, opset: int) -> None:
    for node in graph.node:
        if not node.domain:
            declared = onnx.defs.get_schema(node.op_type, opset).attributes
            kept = [a for a in node.attribute if a.name not in declared or declared[a.name].default_value != a]
            del node.attribute[:]
            node.attribute.extend(kept)
        for body in _bodies(node):
            _leave_out_defaults(body, opset)


def _rename(graph: onnx.GraphProto, outside: dict[str, str], fresh: Iterator[str]) -> None:
    """In place. Args: outside: new names of what is defined around the graph; inputs and outputs of the whole keep theirs."""
    known = dict(outside)

    def new(name: str) -> str:
        if name and name not in known:
            known[name] = next(fresh)
        return known.get(name, "")

    del graph.value_info[:]
    for named in (*graph.input, *graph.output, *graph.initializer):
        named.name = new(named.name)
    for node in graph.node:
        node.ClearField("name")
        node.ClearField("doc_string")
        node.input[:] = map(new, node.input)
        node.output[:] = map(new, node.output)
        for body in _bodies(node):
            _rename(body, known, fresh)


def _bodies(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def _in_letters(number: int) -> str:
    """0 ↦ "a", 26 ↦ "a0", …: a letter, then digits of base 36."""
    number, letter = divmod(number, 26)
    digits = ""
    while number:
        number, digit = divmod(number - 1, 36)
        digits = _DIGITS[digit] + digits
    return chr(ord("a") + letter) + digits
