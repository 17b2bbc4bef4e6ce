"""`python -m benchmarks.runtimes`: what it makes of networks and of converters; and, slowly, four runtimes in earnest."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from made_networks import made

from benchmarks.runtimes import programs
from benchmarks.runtimes.__main__ import measured
from benchmarks.runtimes.document import DOCUMENT, write_document
from benchmarks.runtimes.engines import ENGINES, ConverterError, Engine, install, spoken, words
from benchmarks.runtimes.networks import NETWORKS, prepare
from benchmarks.runtimes.right_products import rewrite
from benchmarks.runtimes.table import Row, read_rows, write_rows
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions
from imexseg.export.verify import session
from imexseg.export.write import export
from imexseg.models.artefact import load
from imexseg.models.weights import find_weights


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


def test_torchs_program_belongs_to_its_core_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    core = tmp_path / "q.core.onnx"
    export(load(find_weights("qtips")), core, ExportOptions((36, 48), core=True))
    monkeypatch.setattr("sys.argv", ["programs", "qtips", str(core)])
    programs.main()
    layers = torch.export.load(core.with_suffix(".pt2")).module()
    given = np.random.default_rng(0).normal(size=(1, 1, 36, 48)).astype(np.float32)
    expected = session(core).run(None, {"normalised": given})[0]
    np.testing.assert_allclose(layers(torch.from_numpy(given)).numpy(), expected, atol=1e-4 * np.ptp(expected))


def test_no_program_without_a_sidecar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["programs", "qtips", str(tmp_path / "other.onnx")])
    with pytest.raises(SystemExit) as stopped:
        programs.main()
    assert stopped.value.code == 2
    assert "other.onnx.json is not beside it" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_hartley_transform_is_its_own_inverse():
    layer = programs.HartleyFilter(3, (6, 8))
    with torch.no_grad():
        layer.shared.weight.copy_(torch.eye(3)[..., None, None])
        X = torch.randn(2, 3, 6, 8, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(layer(X), 2 * X)


def test_rows_survive_the_file_and_the_last_one_stays(tmp_path: Path):
    path = tmp_path / "results.csv"
    rows = [
        Row("mnn", "a", 1e-6, 1.0, 2.5, 100, 2000),
        Row("ncnn", "a", words='no "Gather", it says'),
        Row("onnxruntime", "a", 0.0, 0.999, 1.0, 1, 1),
        Row("webgpu", "a", 1e-6, 1.0, None, None, 2000),
    ]
    write_rows([Row("mnn", "a", words="fails"), *rows], path)
    assert read_rows(path) == [rows[2], rows[1], rows[0], rows[3]]
    assert [row.ran for row in read_rows(path)] == [True, False, True, True]


def test_a_converter_that_fails_has_a_row_with_its_words(tmp_path: Path):
    engine = Engine("nothing", "nothing", ("no-such-package-of-anybody",))
    (tmp_path / "nothing").write_text("a file where the environment should be")
    row = measured(engine, "net", tmp_path / "net.onnx", tmp_path, 60, anew=True)
    assert not row.ran
    assert row.words
    with pytest.raises(ConverterError, match="the reason"):
        spoken(["bash", "-c", "echo first; echo 'ValueError: the reason'; echo later; exit 3"], tmp_path, 60)
    with pytest.raises(ConverterError, match="not finished after 1 s"):
        spoken(["sleep", "20"], tmp_path, 1)
    assert words("progress\nlayer Gather not exists or registered\nbye") == "layer Gather not exists or registered"
    assert words("SpecError: these are mixed:\n  aten.mul\nbye") == "SpecError: these are mixed: aten.mul"
    assert words("") == ""


def test_the_document_is_that_of_the_results(tmp_path: Path):
    copy = tmp_path / "runtimes.md"
    copy.write_text(DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    write_document(copy)
    assert copy.read_text(encoding="utf-8") == DOCUMENT.read_text(encoding="utf-8"), (
        "python -m benchmarks.runtimes --document"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "mnn", "wasm"])
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
    assert row.ran, row.words
    assert row.equal is not None
    assert row.equal >= 0.999
