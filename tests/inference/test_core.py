"""Core files: the layers alone, and everything around them in numpy as torch does it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imexseg.cli import main as command_line
from imexseg.export.metadata import ExportOptions
from imexseg.export.write import export
from imexseg.inference.onnx_predictor import OnnxPredictor
from imexseg.inference.predictor import Predictor
from imexseg.inference.resize import resized
from imexseg.models.artefact import load
from imexseg.models.build import build_network, model_config
from imexseg.models.info import ModelInfo
from imexseg.models.weights import find_weights
from imexseg.numerics.scaling import scale_back, scale_image

ROOT = Path(__file__).parents[2]
# Not of one pixel: there torch takes an image of several channels for one stored channels last, and resizes it wrongly.
sides = st.tuples(st.integers(2, 40), st.integers(2, 40))


@settings(deadline=None, max_examples=60)
@given(old=sides, new=sides, seed=st.integers(0, 9))
def test_resizing_is_that_of_torch(old, new, seed):
    image = np.random.default_rng(seed).random((1, 2, *old), np.float32)
    for antialias, torchs in ((True, scale_image), (False, scale_back)):
        np.testing.assert_allclose(resized(image, new, antialias), torchs(torch.from_numpy(image), new), atol=2e-5)


def small_network(long_side: int | None):
    """Untrained, with weights large enough that classes differ."""
    torch.manual_seed(1)
    statistics = {"mean": (120.0, 110.0, 100.0), "std": (60.0, 61.0, 62.0), "long_side": long_side}
    config = model_config(
        "imex-residual-lean-photo-tiny", in_channels=3, num_classes=3, **statistics, width=8, n_steps=1
    )
    network = build_network(config).eval()
    network.info = ModelInfo(
        model="imex-residual-lean-photo-tiny",
        network=config,
        names=["a", "b", "c"],
        palette=[(0, 0, 0), (1, 1, 1), (2, 2, 2)],
        full_scale=255.0,
        data={},
        metrics={},
        training={},
        version="0",
    )
    return network


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped default network."""
    path = tmp_path_factory.mktemp("core") / "q.onnx"
    assert command_line.main(["export", "qtips", "--core", "--size", "32", "32", "--output", str(path)]) == 0
    return path


@pytest.mark.parametrize(("long_side", "size"), [(None, (30, 43)), (32, (50, 43)), (32, None)])
def test_a_core_file_gives_the_masks_of_torch(long_side, size, tmp_path: Path):
    network = small_network(long_side)
    path = tmp_path / "small.onnx"
    export(network, path, ExportOptions(size, core=True))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.onnx", "small.onnx.json"]
    predictor, torchs = OnnxPredictor(path), Predictor(network)
    for shape in [size] if size else [(30, 43), (61, 50)]:
        image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
        found, expected = predictor.predict(image), torchs.predict(image)
        assert len(np.unique(expected.classes)) > 1
        assert (found.classes == expected.classes).mean() >= 0.999
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-4)
    graph = onnx.load(path).graph
    assert [value.name for value in (*graph.input, *graph.output)] == ["normalised", "logits"]


def test_predict_and_evaluate_take_a_core_file(core: Path, qtips_folder: Path, tmp_path: Path, capsys):
    images = qtips_folder / "images/val"
    for weights, output in (("qtips", "torch"), (core, "core")):
        assert (
            command_line.main(["predict", str(images), "--weights", str(weights), "--output", str(tmp_path / output)])
            == 0
        )
    expected = sorted((tmp_path / "torch").glob("*_mask.png"))
    assert expected
    for mask in expected:
        np.testing.assert_array_equal(
            np.asarray(Image.open(mask)), np.asarray(Image.open(tmp_path / "core" / mask.name))
        )
    scores = []
    for weights in ("qtips", core):
        capsys.readouterr()
        assert command_line.main(["evaluate", str(weights), str(qtips_folder), "--json"]) == 0
        scores.append(json.loads(capsys.readouterr().out))
    calibration = [found.pop("ece") for found in scores]
    assert calibration[0] == pytest.approx(calibration[1], rel=1e-6)
    assert scores[0] == scores[1]


def test_the_example_reads_it(core: Path, qtips_folder: Path, tmp_path: Path):
    image = next((qtips_folder / "images/val").iterdir())
    script = ROOT / "examples/core_file.py"
    command = [sys.executable, str(script), str(core), str(image), str(tmp_path / "mask.png")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    expected = Predictor(load(find_weights("qtips"))).predict(np.asarray(Image.open(image))[..., None]).classes
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "mask.png")), expected)
    code = [line for line in script.read_text().splitlines() if line.strip() and not line.startswith(("#", '"""'))]
    assert len(code) <= 30


def another(text: str) -> str:
    return json.dumps(json.loads(text) | {"sha256": "0" * 64, "file": "other.onnx"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "is a core file, and its sidecar q.onnx.json is not beside it"),
        (another, "belongs to another file (other.onnx): its sha256 is not that of q.onnx"),
        (lambda text: text[:50], "is not a readable sidecar"),
        (lambda text: "[]", "it has no sha256"),
        (lambda text: json.dumps(json.loads(text) | {"core": None}), "it has no core"),
        (lambda text: text.replace('"stride": 2', '"stride": 0'), "core.stride"),
        (lambda text: text.replace('"input_size"', '"input_sise"'), "input_sise"),
        (lambda text: text.replace('"mean": [', '"mean": [1.0,'), "a mean and a std for each of 1 channels"),
    ],
)
def test_sidecars_that_do_not_fit_are_refused_in_one_line(change, message: str, core: Path, tmp_path: Path, capsys):
    path = tmp_path / "q.onnx"
    path.write_bytes(core.read_bytes())
    if change is not None:
        (tmp_path / "q.onnx.json").write_text(change(core.with_name("q.onnx.json").read_text()))
    Image.new("L", (64, 64)).save(tmp_path / "image.png")
    command = ["predict", str(tmp_path / "image.png"), "--weights", str(path), "--output", str(tmp_path / "out")]
    assert command_line.main(command) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert message in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--precision", "int8"], "leave out --precision int8"), (["--probabilities"], "leave out --probabilities")],
)
def test_what_a_core_file_cannot_be(options, message: str, tmp_path: Path, capsys):
    assert command_line.main(["export", "qtips", "--core", *options, "--output", str(tmp_path / "q.onnx")]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []
