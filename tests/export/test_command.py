"""`imexseg export`, and what its files are worth to `predict` and `evaluate`."""

import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from made_networks import made
from PIL import Image

from imexseg.cli import main as command_line
from imexseg.errors import JobError
from imexseg.export import quantise, write
from imexseg.export.metadata import ExportOptions
from imexseg.inference.onnx_predictor import OnnxPredictor
from imexseg.models.artefact import load, save_weights
from imexseg.models.weights import find_weights

HEAVY = ("torch", "torchvision", "lightning", "segmentation_models_pytorch", "albumentations", "safetensors", "onnx")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The shipped default network as a file of fixed size and as one of any size."""
    folder = tmp_path_factory.mktemp("exported")
    made = {"fixed": folder / "fixed.onnx", "free": folder / "free.onnx"}
    assert command_line.main(["export", "qtips", "--output", str(made["fixed"]), "--probabilities"]) == 0
    assert command_line.main(["export", "qtips", "--output", str(made["free"]), "--dynamic"]) == 0
    return made


def predicted(weights: object, images: Path, output: Path, *options: str) -> dict[str, np.ndarray]:
    arguments = ["predict", str(images), "--weights", str(weights), "--output", str(output), *options]
    assert command_line.main(arguments) == 0
    return {path.name: np.asarray(Image.open(path)) for path in sorted(output.glob("*_mask.png"))}


def test_it_says_what_it_measured(tmp_path: Path, capsys):
    assert command_line.main(["export", "qtips", "--output", str(tmp_path / "q.onnx")]) == 0
    out = capsys.readouterr().out
    for part in ("q.onnx: fp32, images of 64 x 64 px", "8 random images: largest logit difference", "8 Q-tips images"):
        assert part in out
    assert "CoreML would run" in out
    assert "NNAPI" in out
    assert (tmp_path / "q.onnx").stat().st_size <= 300_000
    assert [path.name for path in tmp_path.iterdir()] == ["q.onnx"]


@pytest.mark.parametrize("kind", ["fixed", "free"])
def test_the_file_says_everything_about_itself(exported, kind: str):
    info = load(find_weights("qtips")).info
    metadata = {p.key: p.value for p in onnx.load(exported[kind]).metadata_props}
    facts = json.loads(metadata["imexseg"])
    assert facts["names"] == info.names
    assert [tuple(colour) for colour in facts["palette"]] == info.palette
    assert facts["size"] == ([64, 64] if kind == "fixed" else None)
    assert facts["metrics"] == info.metrics
    assert {"licence", "version", "minimum_size", "precision", "data", "parameters"} <= facts.keys()
    predictor = OnnxPredictor(exported[kind])
    assert predictor.info.names == info.names
    assert predictor.parameters == facts["parameters"] == 9508


@pytest.mark.parametrize("kind", ["fixed", "free"])
def test_predictions_equal_those_of_the_weights(exported, kind: str, tmp_path: Path):
    assert (
        command_line.main(["generate", "qtips", str(tmp_path / "q"), "--train", "1", "--val", "6", "--test", "1"]) == 0
    )
    images = tmp_path / "q/images/val"
    expected = predicted("qtips", images, tmp_path / "torch")
    found = predicted(exported[kind], images, tmp_path / kind)
    assert expected.keys() == found.keys()
    assert len(expected) == 6
    for name, mask in expected.items():
        assert mask.any()
        np.testing.assert_array_equal(found[name], mask)


def test_evaluate_takes_an_exported_file(exported, tmp_path: Path, capsys):
    data = tmp_path / "q"
    assert command_line.main(["generate", "qtips", str(data), "--train", "1", "--val", "4", "--test", "1"]) == 0
    scores = []
    for weights in ("qtips", exported["fixed"], exported["free"]):
        capsys.readouterr()
        assert command_line.main(["evaluate", str(weights), str(data), "--json"]) == 0
        scores.append(json.loads(capsys.readouterr().out))
    errors = [one.pop("ece") for one in scores]
    assert 0 < errors[0] == pytest.approx(errors[1], abs=1e-6)
    assert errors[2] is None  # it gives classes alone
    assert scores[0] == scores[1] == scores[2]


def test_another_size_is_never_silently_wrong(exported, tmp_path: Path, capsys):
    image = np.zeros((150, 90), np.uint8)
    cv2.imwrite(str(tmp_path / "large.png"), image)
    cv2.imwrite(str(tmp_path / "small.png"), image[:40, :40])
    found = predicted(exported["fixed"], tmp_path, tmp_path / "out")
    assert {name: mask.shape for name, mask in found.items()} == {
        "large_mask.png": (150, 90),
        "small_mask.png": (40, 40),
    }
    said = " ".join(capsys.readouterr().err.split())
    assert "large.png: the file is for images of 64 x 64 px: 90 x 150 px are segmented with tiles" in said
    assert "small.png: the file is for images of 64 x 64 px: 40 x 40 px are segmented with an extended edge" in said
    cv2.imwrite(str(tmp_path / "tiny.png"), image[:1, :3])
    found = predicted(exported["free"], tmp_path, tmp_path / "free")
    assert found["tiny_mask.png"].shape == (1, 3)
    said = " ".join(capsys.readouterr().err.split())
    assert "the file is for images" not in said
    assert "tiny.png: the network takes 4 x 4 px or more: 3 x 1 px" in said


def test_without_torch_it_predicts_and_evaluates(exported, qtips_folder: Path, tmp_path: Path):
    blocker = tmp_path / "blocked.py"
    blocker.write_text(
        "import sys\n"
        f"for name in {HEAVY!r}: sys.modules[name] = None\n"
        "from imexseg.cli.main import main\n"
        "code = main(sys.argv[1:])\n"
        f"assert all(sys.modules[name] is None for name in {HEAVY!r})\n"
        "sys.exit(code)\n"
    )

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(blocker), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    images = qtips_folder / "images/val"
    done = run("predict", images, "--weights", exported["free"], "--output", tmp_path / "blocked")
    assert done.returncode == 0, done.stderr
    expected = predicted("qtips", images, tmp_path / "torch")
    for name, mask in expected.items():
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "blocked" / name)), mask)
    done = run("evaluate", exported["free"], qtips_folder, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["images"] == 5
    assert run("models").returncode == 0  # a listing that needs no torch
    done = run("inspect", "qtips")
    assert done.returncode == 2
    assert "pip install 'imexseg[train]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_half_precision_and_int8_report(tmp_path: Path, capsys):
    assert command_line.main(["export", "qtips", "--precision", "fp16", "--output", str(tmp_path / "h.onnx")]) == 0
    assert "fp16" in capsys.readouterr().out
    types = [t.data_type for t in onnx.load(tmp_path / "h.onnx").graph.initializer]
    assert onnx.TensorProto.FLOAT16 in types
    data = tmp_path / "q"
    assert command_line.main(["generate", "qtips", str(data), "--train", "8", "--val", "4", "--test", "1"]) == 0
    options = ["--precision", "int8", "--calibration", str(data), "--output", str(tmp_path / "i.onnx")]
    assert command_line.main(["export", "qtips", *options]) == 0
    assert "4 q images kept out of the calibration: mIoU" in capsys.readouterr().out
    assert "QuantizeLinear" in {node.op_type for node in onnx.load(tmp_path / "i.onnx").graph.node}


def planned_for(path: Path, plan: object) -> Path:
    """The shipped default network, with a plan in its metadata."""
    network = load(find_weights("qtips"))
    info = network.info.model_copy(update={"training": {**network.info.training, "plan": plan}})
    save_weights(path, network, info)
    return path


def test_the_precision_that_was_planned_for_is_taken_and_said(tmp_path: Path, capsys):
    plan = {"limits": {"max_size": 60_000}, "expected": {"export_precision": "fp16"}}
    weights = planned_for(tmp_path / "small.safetensors", plan)
    assert command_line.main(["export", str(weights)]) == 0
    out, err = capsys.readouterr()
    assert "small.onnx: fp16" in out
    assert "as planned for --max-size 60 kB" in err
    assert "warning" not in err
    assert (tmp_path / "small.onnx").stat().st_size < 60_000
    assert command_line.main(["export", str(weights), "--precision", "fp32"]) == 0
    out, err = capsys.readouterr()
    assert "small.onnx: fp32" in out
    assert "more than the --max-size 60 kB" in err


def test_a_plan_of_another_form_counts_as_none(tmp_path: Path, capsys):
    weights = planned_for(tmp_path / "odd.safetensors", {"limits": "tight", "expected": ["fp16"]})
    assert command_line.main(["export", str(weights)]) == 0
    assert "odd.onnx: fp32" in capsys.readouterr().out


def test_int8_that_loses_is_refused_unless_it_is_allowed(tmp_path: Path, capsys, monkeypatch):
    built = write.build(load(find_weights("qtips-hamiltonian-imex")), ExportOptions((64, 64), "int8", logits=True))
    monkeypatch.setattr(write, "build", lambda network, options: built)  # for both
    too_narrow = (lambda operator, found: tuple(side / 4 for side in found.whole),) * 2
    monkeypatch.setattr(quantise, "_RULES", too_narrow)
    target = tmp_path / "i.onnx"
    command = ["export", "qtips-hamiltonian-imex", "--precision", "int8", "--output", str(target)]
    assert command_line.main(command) == 1
    said = " ".join(capsys.readouterr().err.split())
    for part in ("i.onnx: int8 loses too much", "256 Q-tips images kept out of the calibration", "--allow-loss"):
        assert part in said
    assert list(tmp_path.iterdir()) == []
    assert command_line.main([*command, "--allow-loss"]) == 0
    before, after = re.search(r"mIoU (0\.\d+) in fp32, (0\.\d+) in int8", capsys.readouterr().out).groups()
    assert float(before) - float(after) > 0.01
    assert target.is_file()


def test_int8_is_calibrated_and_judged_on_different_images(monkeypatch, tmp_path: Path):
    network = load(find_weights("qtips"))
    seen: dict[str, list[bytes]] = {"calibration": [], "judged": []}

    def noting(kind: str, wrapped):
        def wrapper(self, image, *rest):
            seen[kind].append(image.tobytes())
            return wrapped(self, image, *rest)

        return wrapper

    real = write.quantise
    monkeypatch.setattr(
        write,
        "quantise",
        lambda model, images: seen["calibration"].extend(i.tobytes() for i in images) or real(model, images),
    )
    monkeypatch.setattr(OnnxPredictor, "predict", noting("judged", OnnxPredictor.predict))
    write.export(network, tmp_path / "i.onnx", ExportOptions((64, 64), "int8"), allow_loss=True)
    assert len(seen["calibration"]) == 64
    assert len(set(seen["judged"])) == 256
    assert not set(seen["calibration"]) & set(seen["judged"])
    nodes = onnx.load(tmp_path / "i.onnx").graph.node
    made_by = {name: node.op_type for node in nodes for name in node.output}
    solves = [name for node in nodes if node.op_type == "MatMul" for name in node.input]
    assert solves
    assert all(made_by.get(name) == "DequantizeLinear" for name in solves)  # they are products of integers too


@pytest.mark.parametrize("problem", ["logits", "classes"])
def test_a_file_that_disagrees_is_not_left(problem: str, tmp_path: Path, monkeypatch):
    network = made("imex-lean", width=8, n_steps=1)

    def wrong(network, options):
        model = real(network, options)
        for tensor in model.graph.initializer:
            values = onnx.numpy_helper.to_array(tensor)
            if values.dtype == np.float32 and values.ndim == 4:
                off = values * (1 + 1e-3 if problem == "logits" else -1)
                tensor.CopyFrom(onnx.numpy_helper.from_array(off, tensor.name))
        return model

    real = write.build
    monkeypatch.setattr(write, "build", wrong)
    precision = "fp32" if problem == "logits" else "fp16"
    with pytest.raises(JobError, match="nothing was written"):
        write.export(network, tmp_path / "wrong.onnx", ExportOptions((64, 64), precision))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["qtips", "--size", "3", "64"], "at least 4 px"),
        (["qtips", "--size", "64"], "expected 2 arguments"),
        (["qtips", "--size", "64", "64", "--dynamic"], "not allowed with"),
        (["qtips", "--output", "model.pt"], "should end with .onnx"),
        (["qtips", "--precision", "int4"], "invalid choice: 'int4'"),
        (["nowhere"], "no such weights file"),
        (["model.onnx"], "is already an .onnx file"),
        (["qtips", "--calibration", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_get_one_clear_line(options: list[str], message: str, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command_line.main(["export", *options]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_calibration_images_of_other_channels_are_refused(tmp_path: Path, qtips_folder: Path, capsys):
    network = made("imex-lean", channels=3, width=8, n_steps=1)
    save_weights(tmp_path / "colour.safetensors", network, network.info)
    options = ["--precision", "int8", "--calibration", str(qtips_folder), "--output", str(tmp_path / "c.onnx")]
    assert command_line.main(["export", str(tmp_path / "colour.safetensors"), *options]) == 2
    assert "has 1 channels, but the network takes 3" in capsys.readouterr().err
    assert command_line.main(["export", str(tmp_path / "colour.safetensors"), "--precision", "int8"]) == 2
    assert "needs --calibration DATA" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_fails(capsys):
    assert command_line.main(["export", "qtips", "--output", "/proc/q.onnx"]) == 1
    assert "/proc/q.onnx: cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a readable ONNX file"),
        (b"not a model at all", "is not a readable ONNX file"),
        ("no metadata", "has no imexseg metadata"),
        ("damaged", "its imexseg metadata does not fit"),
        ("newer", "written by imexseg 9.0"),
    ],
)
def test_files_that_are_not_ours_are_explained(content, message: str, exported, tmp_path: Path, capsys):
    path = tmp_path / "x.onnx"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        model = onnx.load(exported["fixed"])
        text = {
            "no metadata": None,
            "damaged": '{"format": 1, "names": 3}',
            "newer": '{"format": 3, "version": "9.0"}',
        }[content]
        del model.metadata_props[:]
        if text:
            onnx.helper.set_model_props(model, {"imexseg": text})
        onnx.save(model, path)
    Image.new("L", (64, 64)).save(tmp_path / "image.png")
    code = command_line.main(
        ["predict", str(tmp_path / "image.png"), "--weights", str(path), "--output", str(tmp_path / "o")]
    )
    assert code == 2
    assert message in capsys.readouterr().err
