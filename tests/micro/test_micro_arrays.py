"""apps/micro: single operators, and where tensors lie in memory. Needs no torch."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from micro_tools import COMPILER, computed
from onnx import TensorProto, helper, numpy_helper, shape_inference

from apps.micro.graph import Graph, NotRunnable
from apps.micro.plan import Plan, planned


def model_of(nodes: list[onnx.NodeProto], shape: list, constants: dict[str, np.ndarray]) -> onnx.ModelProto:
    """From X to Y; constants of whole numbers stay so, all others become float32."""
    stored = {
        name: values if values.dtype == np.int64 else values.astype(np.float32) for name, values in constants.items()
    }
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in stored.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def graph_of(nodes: list[onnx.NodeProto], shape: list, constants: dict[str, np.ndarray]) -> Graph:
    model = model_of(nodes, shape, constants)
    return Graph(shape_inference.infer_shapes(model, strict_mode=True).graph, "g.onnx")


def test_a_chain_of_pointwise_steps_needs_one_place():
    nodes = [helper.make_node("Relu", ["X"], ["A"]), helper.make_node("Neg", ["A"], ["B"])]
    graph = graph_of([*nodes, helper.make_node("Add", ["B", "B"], ["Y"])], [1, 3, 8, 8], {})
    assert planned(graph) == Plan(3 * 8 * 8, 3 * 8 * 8)


def test_what_is_needed_later_is_kept():
    """X is read by the last step too. B is made where A lies, plane by plane in the scratch."""
    nodes = [helper.make_node("Relu", ["X"], ["A"]), helper.make_node("MatMul", ["A", "S"], ["B"])]
    graph = graph_of([*nodes, helper.make_node("Add", ["B", "X"], ["Y"])], [1, 3, 8, 8], {"S": np.eye(8)})
    assert planned(graph) == Plan(2 * 3 * 8 * 8, 2 * 3 * 8 * 8 + 8 * 8)
    values = graph.values
    assert values["X"].offset != values["A"].offset == values["B"].offset


def test_a_tensor_that_is_put_together_is_there_from_its_first_part_on():
    nodes = [
        helper.make_node("Neg", ["X"], ["A"]),
        helper.make_node("Concat", ["X", "A"], ["B"], axis=1),
        helper.make_node("Relu", ["B"], ["Y"]),
    ]
    graph = graph_of(nodes, [1, 3, 8, 8], {})
    assert planned(graph).size == 4 * 3 * 8 * 8
    begin = graph.values["B"].offset
    for part in ("X", "A"):
        assert not begin <= graph.values[part].offset < begin + graph.values["B"].size


@pytest.mark.parametrize("n_classes", [1, 12])
def test_more_steps_need_no_more_memory(n_classes: int):
    """Leapfrog: two states, and two tensors while f is computed. Nothing is kept of earlier steps."""
    assert leapfrog(5, n_classes) == leapfrog(10, n_classes) == leapfrog(20, n_classes) == 4 * 6 * 8 * 8


def leapfrog(n_steps: int, n_classes: int) -> int:
    """Floats of memory for Y⁺ = 2Y - Y⁻ + K relu(K Y) with six channels, and one convolution to the classes."""
    nodes = [helper.make_node("Relu", ["X"], ["Y0"]), helper.make_node("Neg", ["X"], ["Y1"])]
    for k in range(1, n_steps + 1):
        nodes += [
            helper.make_node("Conv", [f"Y{k}", "K"], [f"A{k}"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [f"A{k}"], [f"B{k}"]),
            helper.make_node("Conv", [f"B{k}", "K"], [f"C{k}"], pads=[1, 1, 1, 1]),
            helper.make_node("Mul", [f"Y{k}", "two"], [f"D{k}"]),
            helper.make_node("Sub", [f"D{k}", f"Y{k - 1}"], [f"E{k}"]),
            helper.make_node("Add", [f"E{k}", f"C{k}"], [f"Y{k + 1}"]),
        ]
    nodes.append(helper.make_node("Conv", [f"Y{n_steps + 1}", "classify"], ["Y"], pads=[1, 1, 1, 1]))
    constants = {"K": np.ones((6, 6, 3, 3)), "classify": np.ones((n_classes, 6, 3, 3)), "two": np.array(2.0)}
    return planned(graph_of(nodes, [1, 6, 8, 8], constants)).scratch


def test_what_follows_from_weights_is_computed_when_it_is_needed():
    """Two symbols, each for one step: they share their place, since the first is forgotten before the second is made."""
    nodes = [
        helper.make_node("Reciprocal", ["p"], ["s"]),
        helper.make_node("Reciprocal", ["q"], ["t"]),
        helper.make_node("Mul", ["X", "s"], ["A"]),
        helper.make_node("Mul", ["A", "t"], ["Y"]),
    ]
    symbol = np.ones((1, 3, 8, 8))
    graph = graph_of(nodes, [1, 3, 8, 8], {"p": symbol, "q": symbol})
    assert [step.output for step in graph.steps] == ["s", "A", "t", "Y"]
    assert planned(graph).size == 2 * 3 * 8 * 8


@pytest.mark.parametrize(
    ("node", "shape", "explanation"),
    [
        (helper.make_node("Sigmoid", ["X"], ["Y"]), [1, 3, 8, 8], "has a Sigmoid; engine.hpp knows Add"),
        (helper.make_node("Relu", ["X"], ["Y"]), [1, 3, "H", 8], "the shape of X is not known"),
        (helper.make_node("Relu", ["X"], ["Y"]), [1, 3, 40000, 8], "up to four sides of 32767"),
        (helper.make_node("MatMul", ["X", "v"], ["Y"]), [1, 3, 8, 8], "has a MatMul of a vector"),
    ],
)
def test_graphs_that_it_does_not_know(node: onnx.NodeProto, shape: list, explanation: str):
    with pytest.raises(NotRunnable, match=explanation):
        graph_of([node], shape, {"v": np.ones(8)})


@pytest.mark.skipif(COMPILER is None, reason="no compiler of C++ here")
def test_every_operator_is_that_of_onnx(tmp_path: Path):
    """In one chain against onnxruntime, with strides, groups and dilation, and with all that may be written over."""
    random = np.random.default_rng(4)
    sizes = {"k": (6, 1, 3, 3), "b": (6,), "t": (6, 2, 3, 2), "mix": (4, 4, 1, 1), "L": (1, 1, 9, 9), "R": (19, 19)}
    constants = {name: random.standard_normal(size) for name, size in sizes.items()}
    constants |= {name: random.standard_normal(4) for name in ("gamma", "beta", "mean")}
    constants |= {
        "variance": random.random(4) + 0.1,
        "half": np.array(0.5),
        "two": np.array(2.0),
        "p": random.random((4, 1, 1)) + 1,
    }
    constants |= {name: np.array([value]) for name, value in {"from": -9, "to": 99, "axis": 2, "step": 1}.items()}
    n = helper.make_node
    nodes = [
        n("Conv", ["X", "k", "b"], ["A"], group=3, strides=[2, 1], dilations=[1, 2], pads=[1, 2, 0, 1]),
        n("ConvTranspose", ["A", "t"], ["B"], group=2, strides=[2, 2], pads=[1, 0, 1, 1]),
        n("BatchNormalization", ["B", "gamma", "beta", "mean", "variance"], ["C"]),
        n("Sub", ["half", "C"], ["D"]),
        n("Div", ["D", "half"], ["E"]),
        n("Slice", ["E", "from", "to", "axis", "step"], ["F"]),
        n("Conv", ["F", "mix"], ["G"]),
        n("MatMul", ["L", "G"], ["H"]),
        n("MatMul", ["H", "R"], ["I"]),
        n("Reciprocal", ["p"], ["q"]),
        n("Mul", ["I", "q"], ["J"]),
        n("Split", ["J"], ["K", "M"], axis=1, num_outputs=2),
        n("Pow", ["K", "two"], ["N"]),
        n("Neg", ["M"], ["O"]),
        n("Relu", ["O"], ["P"]),
        n("Concat", ["P", "N", "M"], ["Q"], axis=1),
        n("Add", ["Q", "Q"], ["Y"]),
    ]
    model = model_of(nodes, [1, 3, 12, 11], constants)
    given = random.standard_normal((1, 3, 12, 11)).astype(np.float32)
    (expected,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"X": given})
    assert expected.shape[1:] == (6, 9, 19)
    found = computed(model, given, expected.shape, tmp_path)
    assert np.abs(found - expected).max() <= 1e-5 * np.ptp(expected)
