"""apps/micro: the network as arrays of C++, built by this machine's compiler, segments as onnxruntime does."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from made_networks import made
from onnx import TensorProto, helper, numpy_helper, shape_inference

from apps.micro.generate import written
from apps.micro.graph import Graph, NotRunnable
from apps.micro.plan import Plan, planned
from imexseg.cli.main import main
from imexseg.data_gen import QTips
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions
from imexseg.inference.onnx_predictor import OnnxPredictor

MICRO = Path(__file__).resolve().parents[2] / "apps" / "micro"
COMPILER = shutil.which("g++") or shutil.which("clang++")
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no compiler of C++ here")


def generate(core: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "apps.micro.generate", str(core), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, cwd=MICRO.parents[1], check=False)


def built(folder: Path, source: Path = MICRO / "main.cpp") -> Path:
    """The program, with checks of every access to memory."""
    program = folder / "micro"
    command = [str(COMPILER), "-std=c++17", "-O1", *WARNINGS, "-I", str(folder), "-I", str(MICRO), str(source)]
    subprocess.run([*command, "-o", str(program)], check=True)
    return program


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("micro") / "qtips.core.onnx"
    assert main(["export", "qtips", "--core", "--size", "64", "64", "--output", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def program(core: Path) -> Path:
    done = generate(core, core.parent)
    assert done.returncode == 0, done.stderr
    return built(core.parent)


def pgm(image: np.ndarray) -> bytes:
    height, width = image.shape[:2]
    return b"P5\n# a bar\n%d %d\n255\n" % (width, height) + image.tobytes()


def mask_of(text: str, side: int) -> np.ndarray:
    rows = text.splitlines()[:side]
    return np.array([[0 if sign == "." else 1 + ord(sign) - ord("a") for sign in row] for row in rows], np.uint8)


def test_it_prints_the_mask_that_onnxruntime_gives(core: Path, program: Path):
    predictor = OnnxPredictor(core)
    data = QTips("authors", size=64, seed=5)
    n_equal = 0
    for number in range(4):
        image, _ = data[number]
        done = subprocess.run([program], input=pgm(image), capture_output=True, check=True)
        text = done.stdout.decode()
        expected = predictor.predict(image.reshape(64, 64, 1)).classes
        assert len(np.unique(expected)) > 1
        n_equal += int((mask_of(text, 64) == expected).sum())
        for k, line in enumerate(text.splitlines()[64:]):
            assert line.split()[1:] == [*predictor.info.names[k].split(), str((mask_of(text, 64) == k).sum())]
    assert n_equal >= 4 * 64 * 64 - 2


@pytest.mark.parametrize(
    ("given", "explanation"),
    [
        (b"", "expected a binary PGM"),
        (b"P6\n64 64\n255\n", "expected a binary PGM"),
        (b"P5\n64 63\n255\n", "64 x 63 px up to 255, expected 64 x 64 px"),
        (b"P5\n64 64\n65535\n", "up to 65535, expected"),
        (b"P5\n99999999999999999999 64\n255\n", "expected 64 x 64 px"),
        (b"P5\n64 64\n255\n" + bytes(4095), "ends after 4095 of 4096 bytes"),
    ],
)
def test_images_that_it_cannot_use(program: Path, given: bytes, explanation: str):
    done = subprocess.run([program], input=given, capture_output=True, check=False)
    assert done.returncode == 2
    assert explanation in done.stderr.decode()
    assert done.stdout == b""


LOGITS = """
#include <cstdio>
#include "engine.hpp"
#include "network.hpp"
static float arena[kArenaFloats];
int main() {
  for (float& value : arena) value = 1e30f;  // nothing may depend on what lay there
  float* to = engine::input(kNetwork, arena);
  const std::size_t n_in = kChannels * kInputHeight * kInputWidth, n_out = N_OUT;
  if (std::fread(to, sizeof(float), n_in, stdin) != n_in) return 1;
  engine::run(kNetwork, arena);
  std::fwrite(engine::output(kNetwork, arena), sizeof(float), n_out, stdout);
}
"""


@pytest.mark.parametrize(
    ("model", "size", "settings"),
    [
        ("imex-lean", (28, 36), {}),
        ("second-order-imex-dense", (20, 24), {}),
        ("parabolic-separable", (20, 24), {}),
        ("hamiltonian-imex-lean", (20, 24), {}),
    ],
)
def test_logits_are_those_of_onnxruntime(model: str, size: tuple[int, int], settings: dict, tmp_path: Path):
    """To the tolerance that export has, for networks that differ in kind; on noise, with whatever lay in memory."""
    network = build(made(model, width=8, n_steps=2, **settings), ExportOptions(size, core=True))
    given = np.random.default_rng(2).standard_normal(sides(network)).astype(np.float32)
    (expected,) = onnxruntime.InferenceSession(network.SerializeToString()).run(None, {"normalised": given})
    found = computed(network, given, expected.shape, tmp_path)
    assert np.abs(found - expected).max() <= 1e-4 * np.ptp(expected)


def sides(model: onnx.ModelProto) -> list[int]:
    return [side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim]


def computed(model: onnx.ModelProto, given: np.ndarray, shape: tuple[int, ...], folder: Path) -> np.ndarray:
    """What the program makes of an input that is normalised already."""
    graph = Graph(shape_inference.infer_shapes(model, strict_mode=True).graph, "g.onnx")
    size = list(given.shape[2:])
    core = {"input_size": size, "mean": [0] * given.shape[1], "std": [1] * given.shape[1]}
    info = {"sha256": "0", "names": ["a"] * shape[1], "in_channels": given.shape[1], "size": size, "core": core}
    (folder / "network.hpp").write_text(written(Path("g.onnx"), graph, info, planned(graph)))
    source = folder / "logits.cpp"
    source.write_text(LOGITS.replace("N_OUT", str(np.prod(shape))))
    answer = subprocess.run([built(folder, source)], input=given.tobytes(), capture_output=True, check=True).stdout
    return np.frombuffer(answer, np.float32).reshape(shape)


def graph_of(nodes: list[onnx.NodeProto], shape: list[int], constants: dict[str, np.ndarray]) -> Graph:
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
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


def test_a_whole_file_has_no_sidecar(core: Path, tmp_path: Path):
    shutil.copy(core, tmp_path / "whole.onnx")
    done = generate(tmp_path / "whole.onnx", tmp_path / "out")
    assert done.returncode == 1
    assert "whole.onnx.json: no such file; imexseg export --core writes" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changed", "explanation"),
    [
        ({"size": None}, "takes images of any size; export it with --size H W"),
        ({"full_scale": 65535}, "takes images of 1 channels up to 65535; main.cpp reads 1 or 3 channels of 8 bits"),
        ({"long_side": 32}, "scales its images to a long side of 32 px"),
        ({"core": None}, "is not the sidecar of a core file"),
    ],
)
def test_files_that_it_cannot_use(core: Path, tmp_path: Path, changed: dict, explanation: str):
    shutil.copy(core, tmp_path)
    facts = json.loads(core.with_name("qtips.core.onnx.json").read_text())
    (tmp_path / "qtips.core.onnx.json").write_text(json.dumps(facts | changed))
    done = generate(tmp_path / "qtips.core.onnx", tmp_path / "out")
    assert done.returncode == 1
    assert explanation in done.stderr
    assert "Traceback" not in done.stderr


def test_a_sidecar_of_another_file(core: Path, tmp_path: Path):
    for path in core.parent.glob("qtips.core.onnx*"):
        shutil.copy(path, tmp_path)
    with open(tmp_path / "qtips.core.onnx", "ab") as file:
        file.write(b"\0")
    done = generate(tmp_path / "qtips.core.onnx", tmp_path / "out")
    assert done.returncode == 1
    assert "belongs to another file" in done.stderr


def test_kernels_with_groups_strides_and_dilation(tmp_path: Path):
    """What Q-tips have not: each against onnxruntime, through the same arrays."""
    random = np.random.default_rng(4)
    constants = {
        "k": random.standard_normal((6, 1, 3, 3)),
        "b": random.standard_normal(6),
        "t": random.standard_normal((6, 2, 3, 2)),
        "gamma": random.standard_normal(4),
        "beta": random.standard_normal(4),
        "mean": random.standard_normal(4),
        "variance": random.random(4) + 0.1,
        "half": np.array(0.5),
    }
    nodes = [
        helper.make_node("Conv", ["X", "k", "b"], ["A"], group=3, strides=[2, 1], dilations=[1, 2], pads=[1, 2, 0, 1]),
        helper.make_node("ConvTranspose", ["A", "t"], ["B"], group=2, strides=[2, 2], pads=[1, 0, 1, 1]),
        helper.make_node("BatchNormalization", ["B", "gamma", "beta", "mean", "variance"], ["C"]),
        helper.make_node("Sub", ["half", "C"], ["D"]),
        helper.make_node("Div", ["D", "half"], ["Y"]),
    ]
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [1, 3, 12, 11])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    given = random.standard_normal((1, 3, 12, 11)).astype(np.float32)
    (expected,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"X": given})
    found = computed(model, given, expected.shape, tmp_path)
    assert np.abs(found - expected).max() <= 1e-5 * np.ptp(expected)
