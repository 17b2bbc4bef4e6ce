"""An .onnx of strangers is read or explained, without torch."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from imexseg.errors import UsageError
from imexseg.inference.onnx_predictor import OnnxPredictor
from imexseg.models.checksum import UNSEALED, sealed
from imexseg.models.prediction_info import METADATA_KEY, OnnxInfo

INFO = OnnxInfo(
    model="threshold",
    names=["dark", "bright"],
    palette=[(0, 0, 0), (255, 255, 255)],
    full_scale=255,
    version="0.1.0",
    in_channels=1,
    parameters=0,
    seen_radius=0,
)


def written(path: Path, text: str | None = None, seal: bool = True, offset: int = 0, **changed: Any) -> Path:
    """A graph that says 1 where a pixel is above 128, plus an offset. Args: text: instead of the metadata."""
    facts = INFO.model_dump(mode="json") | {"checksum": UNSEALED} | changed
    facts = {key: value for key, value in facts.items() if value != "leave out"}
    nodes = [
        helper.make_node("Squeeze", ["image", "axes"], ["grey"]),
        helper.make_node("Greater", ["grey", "limit"], ["above"]),
        helper.make_node("Cast", ["above"], ["bits"], to=TensorProto.UINT8),
        helper.make_node("Add", ["bits", "offset"], ["classes"]),
    ]
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [1], [3]),
        helper.make_tensor("limit", TensorProto.UINT8, [], [128]),
        helper.make_tensor("offset", TensorProto.UINT8, [], [offset]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", "h", "w", 1])
    classes = helper.make_tensor_value_info("classes", TensorProto.UINT8, ["n", "h", "w"])
    graph = helper.make_graph(nodes, "threshold", [image], [classes], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: json.dumps(facts) if text is None else text})
    content = model.SerializeToString()
    path.write_bytes(sealed(content) if seal and UNSEALED.encode() in content else content)
    return path


def flip(path: Path) -> Path:
    content = bytearray(written(path).read_bytes())
    content[content.index(b"threshold")] ^= 1
    path.write_bytes(content)
    return path


DAMAGED = {
    "empty": (lambda path: path.write_bytes(b""), "not a readable ONNX file"),
    "no metadata": (
        lambda path: onnx.save(helper.make_model(onnx.load(written(path)).graph), path),
        "no imexseg metadata",
    ),
    "a flipped bit": (flip, "its checksum does not match"),
    "never sealed": (lambda path: written(path, seal=False), "its checksum does not match"),
    "no checksum": (lambda path: written(path, checksum="leave out"), "its checksum is missing"),
    "no JSON": (lambda path: written(path, "{"), "not valid JSON"),
    "deep JSON": (lambda path: written(path, "[" * 100_000), "nested too deeply"),
    "a number": (lambda path: written(path, "7"), "not a JSON object"),
    "a newer format": (
        lambda path: written(path, format=9, version="2.0.0"),
        "written by imexseg 2.0.0 .*update imexseg",
    ),
    "a newer key": (lambda path: written(path, depth=9, version="2.0.0"), "written by imexseg 2.0.0, newer"),
    "an unknown key": (lambda path: written(path, nams=9), "unknown key 'nams'; did you mean 'names'"),
    "no names": (lambda path: written(path, names="leave out"), "'names' is missing"),
    "names of numbers": (lambda path: written(path, names=[1, 2]), "names.0: Input should be a valid string"),
    "a colour too few": (lambda path: written(path, palette=[[0, 0, 0]]), "palette has 1 colours for 2 names"),
    "full scale 0": (lambda path: written(path, full_scale=0), "full_scale: Input should be greater than 0"),
    "full scale NaN": (
        lambda path: written(path, full_scale=float("nan")),
        "full_scale: Input should be a finite number",
    ),
    "an absurd size": (lambda path: written(path, size=[1, 10**12]), "size.1: Input should be less than"),
    "a huge number": (lambda path: written(path, parameters=10**30), "parameters: "),
    "other channels": (lambda path: written(path, in_channels=3), "not the height, width and channels of its metadata"),
    "another size": (lambda path: written(path, size=[8, 8]), "not the height, width and channels of its metadata"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_bad_files_are_explained(damage: str, tmp_path: Path):
    path = tmp_path / "m.onnx"
    change, message = DAMAGED[damage]
    change(path)
    with pytest.raises(UsageError, match=message) as caught:
        OnnxPredictor(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_classes_beyond_the_names_are_refused(tmp_path: Path):
    image = np.array([[[7], [200]]], np.uint8)
    predictor = OnnxPredictor(written(tmp_path / "m.onnx"))
    assert predictor.predict(image).classes.tolist() == [[0, 1]]
    with pytest.raises(UsageError, match=r"classes up to 2 .*2 names"):
        OnnxPredictor(written(tmp_path / "more.onnx", offset=1)).predict(image)


def test_a_file_of_the_first_format_still_loads(tmp_path: Path):
    newer = dict.fromkeys(("checksum", "values", "pixel_range"), "leave out")
    assert OnnxPredictor(written(tmp_path / "m.onnx", format=1, **newer)).info.values == [0, 1]


WITHOUT_TORCH = """
import sys
for name in ("torch", "safetensors", "onnx", "lightning"):
    sys.modules[name] = None
import imexseg
from imexseg.cli.main import main
from imexseg.errors import UsageError
model, data = sys.argv[1:]
assert main(["evaluate", model, data, "--noise", "0.1", "--json"]) == 0
assert main(["evaluate", "nothing-of-that-name", data]) == 2
assert main(["evaluate", "qtips", data]) == 2
try:
    imexseg.load("x")
except ImportError as error:
    print(error, file=sys.stderr)
"""


def test_what_needs_no_torch_does_without_it_and_the_rest_says_what_to_install(qtips_folder: Path, tmp_path: Path):
    names = ["background", "white-white", "white-black", "black-black"]
    path = written(tmp_path / "m.onnx", names=names, palette=[[9, 9, 9]] * 4, values=[0, 1, 2, 3])
    command = [sys.executable, "-c", WITHOUT_TORCH, path, qtips_folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["perturbation"] == {"noise": 0.1, "seed": 0}
    lines = done.stderr.splitlines()
    assert any("nothing-of-that-name: no such weights file" in line and "torch" not in line for line in lines)
    assert sum("pip install 'imexseg[train]'" in line for line in lines) == 2
    assert lines[-1].startswith("imexseg.load: ")
