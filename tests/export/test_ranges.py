"""Ranges for eight bits, against a search by brute force."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from imexseg.export.ranges import ranges


def lost(values: np.ndarray, low: float, high: float) -> float:
    """Mean square of what is lost, by really rounding to 256 levels."""
    step = (high - low) / 255
    return float(((np.clip(np.round((values - low) / step), 0, 255) * step + low - values) ** 2).mean())


def identity() -> onnx.ModelProto:
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", value[:1], value[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.mark.parametrize("kind", ["normal", "outlier", "positive", "constant"])
def test_the_best_range_loses_about_as_little_as_any(kind: str):
    random = np.random.default_rng(0)
    values = random.normal(size=(2, 20_000)).astype(np.float32)
    if kind == "outlier":
        values[0, 0] = 60.0
    elif kind == "positive":
        values = np.exp(values)
    elif kind == "constant":
        values[:] = 3.0
    found = ranges(identity(), ["y"], [{"x": image} for image in values])["y"]
    lowest, highest = min(0.0, float(values.min())), max(0.0, float(values.max()))
    assert found.whole == pytest.approx((lowest, highest))
    assert found.best[0] <= 0 <= found.best[1]
    if kind == "constant":
        assert found.best[1] == pytest.approx(3.0)
        return
    least = min(lost(values, share * lowest, share * highest) for share in np.linspace(0.02, 1, 200))
    assert lost(values, *found.best) <= 1.1 * least
