"""What torch exports, in fewer operations: constants evaluated, scales and shifts merged into the convolutions before them.

It knows nothing of the layers of this project, but that all of them are linear maps, normalisations and activations: a new
operator, boundary or dynamics needs nothing here.
"""

from collections.abc import Iterable

import numpy as np
import onnx_ir as ir
import torch.nn.functional as F
from onnxscript.optimizer import optimize_ir
from torch import Tensor, nn

from imexseg.models.contract import ImageNetwork

SMALL = 256  # numbers that are stored rather than computed, whatever they come from
# Maps X ↦ MX of features with M(cX) = cM(X), each channel by itself.
_DATA_MOVEMENT = {"Concat", "Split", "Slice"}
_PRODUCTS = {"Mul", "MatMul"}
_SUMS = {"Add", "Sub", "Neg"}


def fold(model: ir.Model) -> None:
    """In place. Properties: the same function, up to rounding."""
    optimize_ir(model, should_fold=_worth_storing)
    graph = model.graph
    for node in list(graph):
        if node.op_type == "ConvTranspose":
            _turn(graph, node)
        elif node.op_type == "Pad" and (pads := _constant(node.inputs[1])) is not None and not pads.any():
            _replace(graph, node, node.inputs[0])
    of_image = _depends_on_image(graph)
    for node in list(graph):
        _absorb(graph, node, of_image)
    optimize_ir(model, should_fold=_worth_storing)


def _worth_storing(node: ir.Node) -> bool | None:
    """Constants are worked out where the result is about as small as what it is made of. The symbol ρ of a solve, made of two
    numbers a channel, is as large as the features: it is left to the runtime, which works it out when it loads the file.
    """
    shape = node.outputs[0].shape
    if shape is None or not shape.is_static():
        return None
    made_of = sum(
        value.const_value.size for value in node.inputs if value is not None and value.const_value is not None
    )
    # Kernels are set into zeros.
    return node.op_type == "ConstantOfShape" or int(np.prod(shape.numpy())) <= max(SMALL, 2 * made_of)


def _turn(graph: ir.Graph, node: ir.Node) -> None:
    """A transposed convolution of stride 1 is a convolution with the kernel turned round, which runtimes are faster at."""
    weight = _constant(node.inputs[1])
    settings = {name: attribute.value for name, attribute in node.attributes.items()}
    plain = all(set(settings.get(name, [default])) == {default} for name, default in _PLAIN.items())
    if weight is None or not plain or settings.get("auto_pad", "NOTSET") != "NOTSET":
        return
    groups = settings.get("group", 1)
    n_in, n_out, *kernel = weight.shape
    grouped = weight.reshape(groups, n_in // groups, n_out, *kernel).swapaxes(1, 2)
    turned = grouped.reshape(groups * n_out, n_in // groups, *kernel)[..., ::-1, ::-1]
    pads = [size - 1 - pad for size, pad in zip(kernel * 2, settings.get("pads", [0] * 4), strict=True)]
    inputs = [node.inputs[0], _stored(graph, node, turned), *node.inputs[2:]]
    _replace(graph, node, _new(graph, node, "Conv", inputs, {"group": groups, "pads": pads}))


_PLAIN = {"strides": 1, "dilations": 1, "output_padding": 0}


def _absorb(graph: ir.Graph, node: ir.Node, of_image: set[ir.Value]) -> None:
    """Take out a node that scales (and shifts) each channel if the convolutions before it can do so."""
    found = _scale_and_shift(node)
    if found is None:
        return
    X, scale, shift = found
    convolutions = _linear_in(X, node, of_image, sums_only=shift is not None)
    if not convolutions:
        return
    for number, convolution in enumerate(convolutions):
        weight = _double(convolution.inputs[1])
        n = len(weight)
        per_channel = np.broadcast_to(scale, (n,))
        bias = _double(convolution.inputs[2]) * per_channel if len(convolution.inputs) > 2 else None
        if shift is not None and number == 0:
            bias = shift + (0 if bias is None else bias)
        inputs = [convolution.inputs[0], _stored(graph, convolution, weight * per_channel.reshape(-1, 1, 1, 1))]
        if bias is not None:
            inputs.append(_stored(graph, convolution, bias))
        settings = {name: attribute.value for name, attribute in convolution.attributes.items()}
        made = _new(graph, convolution, "Conv", inputs, settings)
        of_image.add(made)
        _replace(graph, convolution, made)
    _replace(graph, node, node.inputs[0] if node.inputs[0] in of_image else node.inputs[1])


def _scale_and_shift(node: ir.Node) -> tuple[ir.Value, np.ndarray, np.ndarray | None] | None:
    """(X, s, t) of a node that is s·X + t with s and t for each channel, or for all."""
    if node.op_type == "BatchNormalization":
        constants = [_constant(value) for value in node.inputs[1:]]
        if any(value is None for value in constants):
            return None
        scale, shift, mean, variance = (np.asarray(value, np.float64) for value in constants)
        scale = scale / np.sqrt(variance + node.attributes.get_float("epsilon", 1e-5))
        return node.inputs[0], scale, shift - scale * mean  # type: ignore[return-value]
    if node.op_type == "Neg":
        return node.inputs[0], np.array([-1.0]), None  # type: ignore[return-value]
    if node.op_type == "Mul":
        for X, factor in (node.inputs, node.inputs[::-1]):
            value = _constant(factor)
            if value is not None and value.size == 1:
                return X, np.asarray(value, np.float64).reshape(1), None  # type: ignore[return-value]
    return None


def _linear_in(X: ir.Value, root: ir.Node, of_image: set[ir.Value], sums_only: bool) -> list[ir.Node]:
    """The convolutions of which X is a linear function, channel by channel, and which nothing else uses; none if there is more.

    Args: root: what uses X.  sums_only: X must be their plain sum, so that a shift of one shifts X.
    """
    inside: dict[ir.Node, None] = {root: None}
    leaves: dict[ir.Node, None] = {}
    waiting = [X]
    while waiting:
        value = waiting.pop()
        node = value.producer()
        if node is None or (node in leaves and sums_only):
            return []
        if node in inside or node in leaves:
            continue
        if node.op_type == "Conv" and all(_constant(v) is not None for v in node.inputs[1:]):
            leaves[node] = None
            continue
        if not (node.op_type == "Add" if sums_only else _is_linear(node, of_image)):
            return []
        inside[node] = None
        waiting += [v for v in node.inputs if v in of_image or sums_only]  # type: ignore[misc]
    for node in [n for n in inside if n is not root] + list(leaves):
        for value in node.outputs:
            if value.is_graph_output() or any(user not in inside for user in value.consumers()):
                return []
    return list(leaves)


def _is_linear(node: ir.Node, of_image: set[ir.Value]) -> bool:
    features = [value in of_image for value in node.inputs]
    if node.op_type in _SUMS:
        return all(features)
    if node.op_type in _PRODUCTS:
        return sum(features) == 1
    if node.op_type in _DATA_MOVEMENT:
        axis = node.attributes.get_int("axis", 0)
        return node.op_type == "Slice" or axis in (2, 3, -1, -2)
    return False


def _depends_on_image(graph: ir.Graph) -> set[ir.Value]:
    """All but what follows from sizes and constants."""
    found = set(graph.inputs)
    for node in graph:
        if node.op_type not in ("Shape", "Size") and any(value in found for value in node.inputs):
            found.update(node.outputs)
    return found


def _constant(value: ir.Value | None) -> np.ndarray | None:
    return None if value is None or value.const_value is None else value.const_value.numpy()


def _double(value: ir.Value | None) -> np.ndarray:
    """Scales are multiplied in double precision, and rounded once."""
    found = _constant(value)
    assert found is not None
    return found.astype(np.float64)


def _stored(graph: ir.Graph, node: ir.Node, array: np.ndarray) -> ir.Value:
    name = f"{node.name}_constant_{len(graph.initializers)}"
    value = ir.Value(name=name, const_value=ir.tensor(np.ascontiguousarray(array, np.float32), name=name))
    value.shape, value.dtype = ir.Shape(array.shape), ir.DataType.FLOAT
    graph.register_initializer(value)
    return value


def _new(graph: ir.Graph, before: ir.Node, op: str, inputs: Iterable[ir.Value | None], settings: dict) -> ir.Value:
    """One more node, with the shape and the place of an old one."""
    node = ir.node(op, list(inputs), settings, name=before.name)
    graph.insert_before(before, node)
    out, old = node.outputs[0], before.outputs[0]
    out.name, out.shape, out.type = f"{old.name}_folded", old.shape, old.type
    return out


def _replace(graph: ir.Graph, node: ir.Node, value: ir.Value | None) -> None:
    assert value is not None
    old = node.outputs[0]
    if old.is_graph_output():
        return
    ir.convenience.replace_all_uses_with(old, value)
    graph.remove(node, safe=True)


class _FixedPadding(nn.Module):
    """TensorFlow's padding before and behind a side that the stride divides, where timm works it out for every image."""

    def __init__(self, layer: nn.Conv2d):
        super().__init__()
        self.layer = layer
        total = [k - s for k, s in zip(layer.kernel_size, layer.stride, strict=True)]
        (top, bottom), (left, right) = ((side // 2, side - side // 2) for side in total)
        self.pads = (left, right, top, bottom)

    def forward(self, X: Tensor) -> Tensor:
        layer = self.layer
        return F.conv2d(F.pad(X, self.pads), layer.weight, layer.bias, layer.stride, 0, layer.dilation, layer.groups)


def with_fixed_padding(network: ImageNetwork) -> ImageNetwork:
    """Every image is padded to a multiple of the stride: what depends on the remainder need not be in the file. In place."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child).__name__ == "Conv2dSame" and set(child.dilation) == {1}:  # type: ignore[arg-type]
                setattr(module, name, _FixedPadding(child))  # type: ignore[arg-type]
    return network
