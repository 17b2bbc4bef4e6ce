"""Writing an ONNX graph node by node, with the few operations that the layers of this project need."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18


class Graph:
    """Collects nodes and constants. Values go by name; every method returns the name of its result.

    Args: half: weights and features in float16; symbols of solves stay in float32 until they are multiplied with features.
    """

    def __init__(self, half: bool = False):
        self.feature_type = np.float16 if half else np.float32
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self.initializers: list[onnx.TensorProto] = []
        self.shared: dict[Any, Any] = {}  # what several layers use, made once
        self._scope: list[str] = []
        self._count = 0

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Names of nodes made inside begin with name/."""
        self._scope.append(name)
        try:
            yield
        finally:
            self._scope.pop()

    def constant(self, array: np.ndarray) -> str:
        """Equal arrays are stored once."""
        array = np.array(array, order="C")  # ascontiguousarray would make vectors of scalars
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.constants:
            self.constants[key] = f"constant_{len(self.constants)}"
            self.initializers.append(numpy_helper.from_array(array, self.constants[key]))
        return self.constants[key]

    def weight(self, array: np.ndarray) -> str:
        """A constant of the features' type."""
        return self.constant(np.asarray(array, self.feature_type))

    def state(self, array: np.ndarray) -> str:
        """A constant that is combined with wide features."""
        return self.constant(np.asarray(array, np.float32))

    def wide(self, X: str) -> str:
        """Features in float32, whatever their type is elsewhere."""
        return self.node("Cast", X, to=TensorProto.FLOAT) if self.feature_type == np.float16 else X

    def narrow(self, X: str) -> str:
        """Back from wide."""
        return self.node("Cast", X, to=TensorProto.FLOAT16) if self.feature_type == np.float16 else X

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        return self.nodes_with(op, 1, *inputs, **attributes)[0]

    def nodes_with(self, op: str, n_outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """A node with several results."""
        self._count += 1
        name = "/".join([*self._scope, f"{op}_{self._count}"])
        outputs = [f"{name}:{i}" for i in range(n_outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), outputs, name, **attributes))
        return outputs

    def slice(self, X: str, axis: int, start: int, stop: int) -> str:
        return self.node("Slice", X, self.integers(start), self.integers(stop), self.integers(axis))

    def scale_and_shift(self, X: str, scale: np.ndarray, shift: np.ndarray) -> str:
        """scale_c X + shift_c. Shapes: X (B, C, H, W), scale and shift (C,)."""
        scaled = self.node("Mul", X, self.weight(scale.reshape(-1, 1, 1)))
        return self.node("Add", scaled, self.weight(shift.reshape(-1, 1, 1)))

    def model(
        self,
        inputs: Sequence[tuple[str, int, Sequence[int | str]]],
        outputs: Sequence[tuple[str, int, Sequence[int | str]]],
        metadata: dict[str, str],
    ) -> onnx.ModelProto:
        """The finished file. Args: inputs, outputs: (name, element type of TensorProto, shape)."""
        graph = helper.make_graph(
            self.nodes,
            "imexseg",
            [helper.make_tensor_value_info(*value) for value in inputs],
            [helper.make_tensor_value_info(*value) for value in outputs],
            self.initializers,
        )
        model = helper.make_model(
            graph, producer_name="imexseg", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10
        )
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model)
        return model
