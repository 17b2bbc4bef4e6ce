"""The layers of a core file in other runtimes: the same classes, and a refusal in words wherever they cannot be."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from imexseg.cli.main import main
from imexseg.data.read.mask_files import read_mask
from imexseg.data_gen import QTips
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions, info_of
from imexseg.inference.core import sidecar_path, sidecar_text
from imexseg.models.artefact import load
from imexseg.models.checksum import seal_file
from imexseg.models.prediction_info import OnnxInfo
from imexseg.models.weights import find_weights

SIDE = 16
WEIGHTS = np.array([-2.0, 0.0, 2.0], np.float32)  # of the normalised value: dark, middle, bright
BIASES = np.array([0.0, 1.0, 0.0], np.float32)


@pytest.fixture(scope="session")
def qtips_core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped network for Q-tips as a core file, with what pnnx makes of it beside it."""
    pytest.importorskip("ncnn")
    pytest.importorskip("pnnx")
    folder = tmp_path_factory.mktemp("core")
    path = folder / "qtips.core.onnx"  # as imexseg export --core writes it, but not compared with torch once more
    model = build(load(find_weights("qtips")), ExportOptions((64, 64), core=True))
    onnx.save(model, path)
    seal_file(path)
    sidecar_path(path).write_text(sidecar_text(path, path.name, info_of(model)))
    pnnx = Path(sys.executable).parent / "pnnx"
    copy = folder / "copy"  # it writes beside what it reads
    copy.mkdir()
    shutil.copy(path, copy)
    subprocess.run([pnnx, "qtips.core.onnx", "fp16=0"], cwd=copy, check=True, capture_output=True)
    for file in copy.glob("*.ncnn.[pb]*"):
        shutil.copy(file, folder)
    return path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A core file of one convolution of 1 × 1, with the same as .tflite beside it, written by hand."""
    folder = tmp_path_factory.mktemp("tiny")
    path = folder / "tiny.onnx"
    facts = {
        "format": 1,
        "model": "tiny",
        "names": ["dark", "middle", "bright"],
        "palette": [[0, 0, 0], [1, 2, 3], [4, 5, 6]],
        "full_scale": 255.0,
        "version": "0",
        "in_channels": 1,
        "size": [SIDE, SIDE],
        "parameters": 6,
        "seen_radius": 0,
        "core": {"mean": [128], "std": [64], "stride": 1, "smallest_side": 1, "input_size": [SIDE, SIDE]},
    }
    graph = helper.make_graph(
        [helper.make_node("Conv", ["normalised", "weight", "bias"], ["logits"])],
        "tiny",
        [helper.make_tensor_value_info("normalised", TensorProto.FLOAT, [1, 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [
            numpy_helper.from_array(WEIGHTS.reshape(3, 1, 1, 1), "weight"),
            numpy_helper.from_array(BIASES, "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {"imexseg": json.dumps(facts)})
    onnx.save(model, path)
    sidecar_path(path).write_text(sidecar_text(path, path.name, OnnxInfo.model_validate(facts)))
    return path


def write_tflite(path: Path, weights: np.ndarray, biases: np.ndarray) -> None:
    """A convolution of 1 × 1 from one channel, as TensorFlow Lite stores it."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")

    def tensor(name: str, shape: list[int], buffer: int) -> object:
        made = schema.TensorT()
        made.name, made.shape, made.buffer, made.type = name, shape, buffer, schema.TensorType.FLOAT32
        return made

    def buffer(values: np.ndarray | None) -> object:
        made = schema.BufferT()
        made.data = None if values is None else list(values.astype("<f4").tobytes())
        return made

    n_classes = len(weights)
    convolution = schema.OperatorT()
    convolution.opcodeIndex, convolution.inputs, convolution.outputs = 0, [0, 1, 2], [3]
    convolution.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
    convolution.builtinOptions = schema.Conv2DOptionsT()
    convolution.builtinOptions.strideW = convolution.builtinOptions.strideH = 1
    graph = schema.SubGraphT()
    graph.tensors = [
        tensor("normalised", [1, SIDE, SIDE, 1], 0),
        tensor("weight", [n_classes, 1, 1, 1], 1),
        tensor("bias", [n_classes], 2),
        tensor("logits", [1, SIDE, SIDE, n_classes], 0),
    ]
    graph.inputs, graph.outputs, graph.operators = [0], [3], [convolution]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    code.version = 1
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [buffer(None), buffer(weights), buffer(biases)]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))


def images(folder: Path, side: int) -> Path:
    """Smooth noise of several sizes; one larger than the network's, so that it is cut into tiles."""
    folder.mkdir()
    random = np.random.default_rng(5)
    for name, shape in {"a": (side, side), "b": (side, side), "c": (2 * side + 5, side)}.items():
        cv2.imwrite(str(folder / f"{name}.png"), cv2.blur(random.integers(0, 256, shape, dtype=np.uint8), (3, 3)))
    return folder


def masks(model: Path, engine: str, source: Path, output: Path) -> list[np.ndarray]:
    arguments = ["--source", str(source), "--output", str(output), "--engine", engine, "--headless", "--threads", "1"]
    assert main(["edge", str(model), *arguments]) == 0
    return [read_mask(path) for path in sorted(output.glob("*_mask.png"))]


def test_ncnn_gives_the_classes_of_onnxruntime(qtips_core: Path, tmp_path: Path):
    source = images(tmp_path / "images", 64)
    data = QTips("authors", size=64, seed=5)
    for number in range(8):
        cv2.imwrite(str(source / f"bar{number}.png"), data[number][0])
    expected = masks(qtips_core, "onnxruntime", source, tmp_path / "onnxruntime")
    found = masks(qtips_core, "ncnn", source, tmp_path / "ncnn")
    assert len(found) == len(expected) == 11
    assert len(np.unique(np.concatenate([mask.ravel() for mask in expected]))) > 2
    n_pixels = sum(mask.size for mask in expected)
    assert sum(int((a == b).sum()) for a, b in zip(expected, found, strict=True)) >= n_pixels - 2


def test_ncnn_files_of_another_network_are_refused(qtips_core: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    for path in qtips_core.parent.glob("qtips.core.*"):
        shutil.copy(path, tmp_path)
    weights = tmp_path / "qtips.core.ncnn.bin"
    values = np.frombuffer(weights.read_bytes(), np.uint8).copy()
    floats = values[len(values) // 2 // 4 * 4 : len(values) // 2 // 4 * 4 + 4000].view(np.float32)
    floats *= 3
    weights.write_bytes(values.tobytes())
    assert main(["edge", str(tmp_path / "qtips.core.onnx"), "--engine", "ncnn", "--benchmark"]) == 2
    said = capfd.readouterr().err
    assert "answers otherwise" in said
    assert "convert qtips.core.onnx again" in said


def test_ncnn_without_its_files(qtips_core: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    for path in qtips_core.parent.glob("qtips.core.onnx*"):
        shutil.copy(path, tmp_path)
    assert main(["edge", str(tmp_path / "qtips.core.onnx"), "--engine", "ncnn", "--benchmark"]) == 2
    assert "qtips.core.ncnn.param: no such file; make it with: pip install pnnx" in capfd.readouterr().err
    (tmp_path / "qtips.core.ncnn.param").write_text("7767517\nnonsense\n")
    (tmp_path / "qtips.core.ncnn.bin").write_bytes(b"")
    assert main(["edge", str(tmp_path / "qtips.core.onnx"), "--engine", "ncnn", "--benchmark"]) == 2
    assert "ncnn cannot load it" in capfd.readouterr().err


def test_litert_gives_the_classes_of_onnxruntime(tiny: Path, tmp_path: Path):
    for path in tiny.parent.glob("tiny.onnx*"):
        shutil.copy(path, tmp_path)
    write_tflite(tmp_path / "tiny.tflite", WEIGHTS, BIASES)
    source = images(tmp_path / "images", SIDE)
    expected = masks(tmp_path / "tiny.onnx", "onnxruntime", source, tmp_path / "onnxruntime")
    found = masks(tmp_path / "tiny.onnx", "litert", source, tmp_path / "litert")
    assert all((a == b).all() for a, b in zip(expected, found, strict=True))
    assert len(np.unique(expected[0])) == 3


@pytest.mark.parametrize(
    ("damage", "explanation"),
    [
        (lambda path: write_tflite(path, WEIGHTS[::-1], BIASES), "answers otherwise"),
        (lambda path: write_tflite(path, WEIGHTS[:2], BIASES[:2]), "answers with (1, 2, 16, 16), not (1, 3, 16, 16)"),
        (lambda path: path.write_bytes(b"no network" * 10), "LiteRT cannot load it"),
        (lambda path: None, "no such file, nor tiny_float32.tflite"),
    ],
)
def test_litert_files_that_cannot_be_used(tiny: Path, tmp_path: Path, damage, explanation: str, capfd):
    pytest.importorskip("ai_edge_litert")
    for path in tiny.parent.glob("tiny.onnx*"):
        shutil.copy(path, tmp_path)
    damage(tmp_path / "tiny.tflite")
    assert main(["edge", str(tmp_path / "tiny.onnx"), "--engine", "litert", "--benchmark"]) == 2
    said = capfd.readouterr().err
    assert explanation in said
    assert "Traceback" not in said


@pytest.mark.parametrize(("engine", "module"), [("ncnn", "ncnn"), ("litert", "ai_edge_litert")])
def test_an_engine_that_is_not_installed(tiny: Path, engine: str, module: str, monkeypatch, capfd):
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["edge", str(tiny), "--engine", engine, "--benchmark"]) == 2
    assert f"pip install 'imexseg[{engine}]'" in capfd.readouterr().err


def test_a_whole_file_has_no_other_engine(models: Path, capfd: pytest.CaptureFixture[str]):
    assert main(["edge", str(models / "qtips.onnx"), "--engine", "ncnn", "--benchmark"]) == 2
    assert "takes a core file of a fixed size" in capfd.readouterr().err
