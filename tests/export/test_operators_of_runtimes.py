"""Exports consist of operators that the runtimes are known to run: a new one has to pass benchmarks.runtimes first."""

import onnx
import pytest
from made_networks import made

from benchmarks.runtimes.engines import ENGINES
from benchmarks.runtimes.operators import operators, read_operators
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions
from imexseg.models.catalogue import NETWORKS

REQUIRED = {engine.name for engine in ENGINES}
# What a whole file has besides: for onnxruntime, OpenVINO and browsers, which the tests run.
ENDS = {"Transpose", "Cast", "Sub", "Div", "Pad", "Resize", "ArgMax", "Clip"}


def require_known(model: onnx.ModelProto, besides: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    known = read_operators()
    for operator in sorted(operators(model) - besides):
        assert operator in known, f"{operator} is not in the table of runtimes; run python -m benchmarks.runtimes"
        missing = REQUIRED - known[operator]
        assert not missing, f"{operator}: not known to run in {', '.join(sorted(missing))}"


# None of the networks that were compared is reflective; mirroring edges is a Pad.
@pytest.mark.parametrize(("boundary", "besides"), [("zero", set()), ("reflect", {"Pad"}), ("periodic", set())])
def test_every_runtime_takes_the_core(boundary: str, besides: set[str]):
    network = made("imex-residual-lean-photo-tiny", width=8, n_steps=1, boundary=boundary)
    require_known(build(network, ExportOptions((32, 48), core=True)), besides)


def test_the_whole_file_adds_but_its_ends():
    network = made("imex-residual-lean-photo-tiny", width=8, n_steps=1, long_side=40)
    require_known(build(network, ExportOptions((32, 48))), ENDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NETWORKS])
@pytest.mark.parametrize("core", [True, False])
def test_every_registered_network(name: str, core: bool):
    side = 64 if name == "imexnet" else 128
    require_known(build(made(name), ExportOptions((side, side), core=core)), set() if core else ENDS)


def test_an_operator_that_is_new_fails():
    node = onnx.helper.make_node("DFT", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "g", [], [])
    with pytest.raises(AssertionError, match="DFT is not in the table of runtimes"):
        require_known(onnx.helper.make_model(graph))
