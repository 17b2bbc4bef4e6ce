"""A core file as the steps that engine.hpp knows, on tensors of known shapes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

POINTWISE = ("Add", "Sub", "Mul", "Div", "Neg", "Reciprocal", "Relu")
CONVOLUTIONS = ("Conv", "ConvTranspose")
OPERATORS = (*POINTWISE, *CONVOLUTIONS, "MatMul")
REWRITTEN = ("BatchNormalization", "Pow", "Slice", "Split", "Concat")  # by others
_LARGEST = 32767  # of a side: 16 bits


class NotRunnable(Exception):
    """Why a file cannot be run here, and what to do."""


@dataclass
class Value:
    """A tensor. shape: four sides, ones before those of ONNX.  offset: in floats, into the weights or the arena."""

    shape: tuple[int, ...]
    constant: np.ndarray | None = None
    offset: int = 0

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


@dataclass
class Step:
    """One operator. pad: above and left.  start: of Crop and Paste, where the smaller tensor begins in the larger one."""

    op: str
    inputs: list[str]
    output: str
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    groups: int = 1
    start: tuple[int, ...] = (0, 0, 0, 0)


class Graph:
    """values: by name, in the order of their first use.  Raises: NotRunnable for an operator or a shape that is not known."""

    def __init__(self, graph: onnx.GraphProto, name: str):
        self.name = name
        self.values: dict[str, Value] = {}
        self.steps: list[Step] = []
        self.input, self.output = graph.input[0].name, graph.output[0].name
        self._n_sides: dict[str, int] = {}
        self._shapes = {value.name: value for value in (*graph.input, *graph.value_info, *graph.output)}
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._made_of = {name: node for node in graph.node for name in node.output}
        self._add(self.input)
        for node in graph.node:
            if not self._is_constant(node.output[0]):
                self._require(node.output[0])

    @property
    def n_weights(self) -> int:
        """Numbers that are stored."""
        return sum(value.constant.size for value in self.values.values() if value.constant is not None)

    def _is_constant(self, name: str) -> bool:
        """Whether it follows from the weights alone."""
        if name == self.input:
            return False
        return name in self._constants or all(self._is_constant(given) for given in self._made_of[name].input if given)

    def _require(self, name: str) -> None:
        """Have it computed, and whatever of the weights it needs just before: so that this is in memory for a short time."""
        if name in self.values:
            return
        if name in self._constants:
            self._add(name)
            return
        node = self._made_of[name]
        if node.op_type == "Constant":
            self._constants[name] = numpy_helper.to_array(node.attribute[0].t)
            self._add(name)
        elif node.op_type in REWRITTEN:
            getattr(self, f"_{node.op_type.lower()}")(node)
        elif node.op_type in OPERATORS:
            inputs = [given for given in node.input if given]
            for given in inputs:
                self._require(given)
            self._add(name)
            self.steps.append(self._step(node, inputs))
        else:
            known = ", ".join((*OPERATORS, *REWRITTEN))
            raise NotRunnable(f"{self.name}: has a {node.op_type}; engine.hpp knows {known}")

    def _step(self, node: onnx.NodeProto, inputs: list[str]) -> Step:
        if node.op_type == "MatMul" and min(self._n_sides[name] for name in inputs) < 2:
            raise NotRunnable(f"{self.name}: has a MatMul of a vector; engine.hpp knows those of matrices")
        if node.op_type not in CONVOLUTIONS:
            return Step(node.op_type, inputs, node.output[0])
        given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if given.get("auto_pad", b"NOTSET") != b"NOTSET":
            raise NotRunnable(f"{self.name}: a {node.op_type} says auto_pad; export the file with imexseg")
        usual: dict[str, Any] = {"strides": (1, 1), "dilations": (1, 1), "pads": (0, 0), "group": 1}
        stride, dilation, pad, groups = (given.get(key, value) for key, value in usual.items())
        return Step(node.op_type, inputs, node.output[0], tuple(stride), tuple(dilation), (pad[0], pad[1]), groups)

    def _batchnormalization(self, node: onnx.NodeProto) -> None:
        """BatchNormalization in use is a factor and a summand of each channel."""
        gamma, beta, mean, variance = (self._constants[given].astype(np.float64) for given in node.input[1:5])
        epsilon = next((attribute.f for attribute in node.attribute if attribute.name == "epsilon"), 1e-5)
        factor = gamma / np.sqrt(variance + epsilon)
        X, Y = node.input[0], node.output[0]
        self._require(X)
        for name, values in ((f"{Y}_factor", factor), (f"{Y}_summand", beta - mean * factor)):
            self._constants[name] = values.astype(np.float32).reshape(1, -1, 1, 1)
            self._add(name)
        self.values[f"{Y}_scaled"] = Value(self.values[X].shape)
        self._add(Y)
        self.steps.append(Step("Mul", [X, f"{Y}_factor"], f"{Y}_scaled"))
        self.steps.append(Step("Add", [f"{Y}_scaled", f"{Y}_summand"], Y))

    def _pow(self, node: onnx.NodeProto) -> None:
        X, exponent = node.input
        if self._numbers(exponent) != [2]:
            raise NotRunnable(f"{self.name}: has a Pow other than a square")
        self._require(X)
        self._add(node.output[0])
        self.steps.append(Step("Mul", [X, X], node.output[0]))

    def _slice(self, node: onnx.NodeProto) -> None:
        X = node.input[0]
        self._require(X)
        starts, _, axes, steps = (self._numbers(name) for name in node.input[1:5])
        if any(step != 1 for step in steps):
            raise NotRunnable(f"{self.name}: has a Slice with steps, as networks with periodic boundary have")
        self._crop(X, node.output[0], {int(axis): int(start) for axis, start in zip(axes, starts, strict=True)})

    def _split(self, node: onnx.NodeProto) -> None:
        X = node.input[0]
        self._require(X)
        axis, start = self._axis(node), 0
        for part in node.output:
            self._crop(X, part, {axis: start})
            start += self.values[part].shape[axis]

    def _crop(self, X: str, part: str, starts: dict[int, int]) -> None:
        """Args: starts: by axis; negative ones count from the end."""
        self._add(part)
        shape, begin = self.values[X].shape, [0, 0, 0, 0]
        for axis, start in starts.items():
            begin[axis] = max(0, start + shape[axis]) if start < 0 else min(start, shape[axis])
        self.steps.append(Step("Crop", [X], part, start=tuple(begin)))

    def _concat(self, node: onnx.NodeProto) -> None:
        for part in node.input:
            self._require(part)
        Y, axis, start = node.output[0], self._axis(node), [0, 0, 0, 0]
        self._add(Y)
        for part in node.input:
            self.steps.append(Step("Paste", [part], Y, start=tuple(start)))
            start[axis] += self.values[part].shape[axis]

    def _axis(self, node: onnx.NodeProto) -> int:
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
        if self._n_sides[node.input[0]] != 4:
            raise NotRunnable(f"{self.name}: has a {node.op_type} of a tensor that is no image")
        return axis % 4

    def _numbers(self, name: str) -> list[float]:
        """Of a small constant."""
        if name not in self._constants and name in self._made_of and self._made_of[name].op_type == "Constant":
            self._constants[name] = numpy_helper.to_array(self._made_of[name].attribute[0].t)
        if name not in self._constants:
            raise NotRunnable(f"{self.name}: {name} is not constant; export it with --size H W")
        return self._constants[name].ravel().tolist()

    def _add(self, name: str) -> None:
        constant = self._constants.get(name)
        if constant is not None:
            if constant.dtype != np.float32:
                raise NotRunnable(
                    f"{self.name}: {name} is {constant.dtype}, not float32; export it with --precision fp32"
                )
            sides = list(constant.shape)
        else:
            found = self._shapes[name].type.tensor_type.shape.dim if name in self._shapes else []
            sides = [side.dim_value for side in found]
            if not sides or min(sides) < 1:
                raise NotRunnable(f"{self.name}: the shape of {name} is not known; export it with --size H W")
        if len(sides) > 4 or max(sides, default=1) > _LARGEST:
            raise NotRunnable(f"{self.name}: {name} is {sides}; up to four sides of {_LARGEST} are known")
        self._n_sides[name] = len(sides)
        self.values[name] = Value((*[1] * (4 - len(sides)), *sides), constant)
