"""`python -m benchmarks.runtimes`: what it makes of networks and of converters; and, slowly, three runtimes in earnest."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from made_networks import made

from benchmarks.runtimes.__main__ import measured
from benchmarks.runtimes.document import DOCUMENT, write_document
from benchmarks.runtimes.engines import ENGINES, ConverterError, Engine, install, spoken, words
from benchmarks.runtimes.networks import NETWORKS, prepare
from benchmarks.runtimes.right_products import rewrite
from benchmarks.runtimes.table import Row, read_rows, write_rows
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions
from imexseg.export.verify import session


def test_products_from_the_right_are_the_same_network(tmp_path: Path):
    network = made("imex-residual-lean-photo-tiny", width=8, n_steps=1)
    onnx.save(build(network, ExportOptions((32, 48), core=True)), tmp_path / "core.onnx")
    rewrite(tmp_path / "core.onnx", tmp_path / "right.onnx")
    given = {"normalised": np.random.default_rng(0).normal(size=(1, 3, 32, 48)).astype(np.float32)}
    expected, found = (session(tmp_path / name).run(None, given)[0] for name in ("core.onnx", "right.onnx"))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.ptp(expected))
    graph = onnx.load(tmp_path / "right.onnx").graph
    stored = {tensor.name for tensor in graph.initializer}
    products = [node for node in graph.node if node.op_type == "MatMul"]
    assert len(products) == 4
    assert all(node.input[0] not in stored and node.input[1] in stored for node in products)


def test_rows_survive_the_file_and_the_last_one_stays(tmp_path: Path):
    path = tmp_path / "results.csv"
    rows = [
        Row("mnn", "a", 1e-6, 1.0, 2.5, 100, 2000),
        Row("ncnn", "a", words='no "Gather", it says'),
        Row("onnxruntime", "a", 0.0, 0.999, 1.0, 1, 1),
    ]
    write_rows([Row("mnn", "a", words="fails"), *rows], path)
    assert read_rows(path) == [rows[2], rows[1], rows[0]]


def test_a_converter_that_fails_has_a_row_with_its_words(tmp_path: Path):
    engine = Engine("nothing", "nothing", ("no-such-package-of-anybody",))
    (tmp_path / "nothing").write_text("a file where the environment should be")
    row = measured(engine, "net", tmp_path / "net.onnx", tmp_path, 60, anew=True)
    assert row.ms is None
    assert row.words
    with pytest.raises(ConverterError, match="the reason"):
        spoken(["bash", "-c", "echo first; echo 'ValueError: the reason'; echo later; exit 3"], tmp_path, 60)
    with pytest.raises(ConverterError, match="not finished after 1 s"):
        spoken(["sleep", "20"], tmp_path, 1)
    assert words("progress\nlayer Gather not exists or registered\nbye") == "layer Gather not exists or registered"


def test_the_document_is_that_of_the_results(tmp_path: Path):
    copy = tmp_path / "runtimes.md"
    copy.write_text(DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    write_document(copy)
    assert copy.read_text(encoding="utf-8") == DOCUMENT.read_text(encoding="utf-8"), (
        "python -m benchmarks.runtimes --document"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "mnn"])
def test_runtimes_give_the_classes_of_torch(name: str, tmp_path_factory: pytest.TempPathFactory):
    """The smaller form of `make runtimes`: those that install in seconds, on one network."""
    cache = tmp_path_factory.getbasetemp() / "runtimes"
    (cache / "networks").mkdir(parents=True, exist_ok=True)
    engine = next(engine for engine in ENGINES if engine.name == name)
    try:
        install(engine, cache)
    except ConverterError as error:
        pytest.skip(f"{name} cannot be installed here: {error}")
    row = measured(engine, "qtips", prepare(NETWORKS[0], cache / "networks"), cache, 600, anew=False)
    assert row.ms is not None, row.words
    assert row.equal is not None
    assert row.equal >= 0.999
