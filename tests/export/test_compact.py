"""Smaller files say the same; what int8 changes before it begins leaves the function as it is."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from imexseg.export.build import build
from imexseg.export.compact import compact
from imexseg.export.layout import left_matrices, with_channels_first
from imexseg.export.metadata import ExportOptions
from imexseg.export.quantise import quantise
from imexseg.export.sample_images import random_images
from imexseg.export.strips import in_strips
from imexseg.export.verify import session, without_logits
from imexseg.models.artefact import load
from imexseg.models.weights import find_weights


@pytest.fixture(scope="module")
def person() -> onnx.ModelProto:
    return build(load(find_weights("people-tiny")), ExportOptions(None, logits=True))


def names(graph: onnx.GraphProto) -> set[str]:
    found = {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        found |= {node.name, *node.output}
        for attribute in node.attribute:
            found |= names(attribute.g) if attribute.type == onnx.AttributeProto.GRAPH else set()
    return found


def test_loops_included_it_answers_the_same_in_fewer_bytes(person: onnx.ModelProto):
    whole = in_strips(without_logits(person))
    assert any(node.op_type == "Loop" for node in whole.graph.node)
    smaller = compact(whole)
    onnx.checker.check_model(smaller)
    image = np.random.default_rng(0).integers(0, 256, (1, 700, 500, 3), np.uint8)
    answers = [session(model.SerializeToString()).run(["classes"], {"image": image})[0] for model in (whole, smaller)]
    np.testing.assert_array_equal(*answers)
    assert list(smaller.graph.input) == list(whole.graph.input)
    assert list(smaller.graph.output) == list(whole.graph.output)
    assert list(smaller.metadata_props) == list(whole.metadata_props)
    assert max(map(len, names(smaller.graph) - {"classes"})) <= 3


def test_a_person_fits_into_100_kb_and_40_in_int8(person: onnx.ModelProto):
    assert len(compact(in_strips(without_logits(person))).SerializeToString()) < 100_000
    images = random_images(load(find_weights("people-tiny")).info, (96, 64), 2)
    quantised = in_strips(without_logits(quantise(person, images)))
    assert len(compact(quantised).SerializeToString()) < 40_000


def one_node(op: str, constants: dict[str, np.ndarray], shape: list[int], **settings: object) -> onnx.ModelProto:
    """A graph of `op` after `op`, one for each constant, beginning at X."""
    between = ["X", *(f"after {name}" for name in list(constants)[:-1]), "Y"]
    nodes = [helper.make_node(op, [between[n], name], [between[n + 1]], **settings) for n, name in enumerate(constants)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "XY"]
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_equal_numbers_are_stored_once_but_not_those_of_another_type_or_shape():
    two = np.float32([2.0])
    smaller = compact(one_node("Mul", {"a": two, "b": two, "c": two.reshape(1, 1)}, [1, 3]))
    assert len(smaller.graph.initializer) == 2
    (found,) = session(smaller.SerializeToString()).run(["Y"], {"X": np.float32([[1, 2, 3]])})
    np.testing.assert_array_equal(found, [[8, 16, 24]])


def test_settings_that_are_the_default_are_left_out_and_others_stay():
    for axis, kept in ((-1, 0), (0, 1)):
        softmax = one_node("Softmax", {}, [2, 3])
        softmax.graph.node.append(helper.make_node("Softmax", ["X"], ["Y"], axis=axis))
        assert len(compact(softmax).graph.node[0].attribute) == kept


def normalising(mean: np.ndarray, deviation: np.ndarray) -> onnx.ModelProto:
    model = one_node("Sub", {"mean": mean, "deviation": deviation}, [1, 3, 5, 7])
    model.graph.node[1].op_type = "Div"
    return model


def test_normalising_an_image_becomes_one_operator_of_the_same_values():
    random = np.random.default_rng(0)
    mean, deviation = (random.uniform(20, 200, (1, 3, 1, 1)).astype(np.float32) for _ in range(2))
    changed = with_channels_first(normalising(mean, deviation))
    onnx.checker.check_model(changed)
    assert [node.op_type for node in changed.graph.node] == ["BatchNormalization"]
    assert len(changed.graph.initializer) == 4
    X = random.uniform(0, 255, (1, 3, 5, 7)).astype(np.float32)
    (found,) = session(changed.SerializeToString()).run(["Y"], {"X": X})
    expected = (X.astype(np.float64) - mean) / deviation
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_a_quotient_of_another_kind_stays():
    other = normalising(np.float32(3.0), np.float32(2.0))
    assert with_channels_first(other) == other


def test_matrices_on_the_left_are_found():
    model = one_node("MatMul", {"right": np.eye(3, dtype=np.float32)}, [3, 3])
    assert left_matrices(model) == set()
    model.graph.node[0].input[:] = ["right", "X"]
    assert left_matrices(model) == {"right"}
