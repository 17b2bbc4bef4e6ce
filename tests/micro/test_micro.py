"""apps/micro: the network as arrays of C++, built by this machine's compiler, segments as onnxruntime does."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from micro_tools import COMPILER, MICRO, built, computed, generate

from benchmarks.export import untrained
from imexseg.data_gen import QTips
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions, info_of
from imexseg.inference.core import sidecar_path, sidecar_text
from imexseg.inference.onnx_predictor import OnnxPredictor
from imexseg.models.artefact import load
from imexseg.models.checksum import seal_file
from imexseg.models.weights import find_weights

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no compiler of C++ here")


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped network for Q-tips as `imexseg export --core` writes it, but not compared with torch once more."""
    path = tmp_path_factory.mktemp("micro") / "qtips.core.onnx"
    model = build(load(find_weights("qtips")), ExportOptions((64, 64), core=True))
    onnx.save(model, path)
    seal_file(path)
    sidecar_path(path).write_text(sidecar_text(path, path.name, info_of(model)))
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


def test_the_plan_alone_is_that_of_the_arrays_and_writes_nothing(core: Path, tmp_path: Path):
    alone = generate(core, "--plan-only")
    assert alone.returncode == 0, alone.stderr
    whole = generate(core, tmp_path)
    subject, plan = alone.stdout.split(": ")
    assert subject == str(core)
    assert whole.stdout == f"{tmp_path / 'network.hpp'}: {plan}"
    assert [path.name for path in tmp_path.iterdir()] == ["network.hpp"]
    size = re.search(r"kArenaFloats = (\d+);", (tmp_path / "network.hpp").read_text())
    assert plan.endswith(f" {4 * int(size[1]) / 1000:.1f} kB of memory\n")


def test_a_folder_or_the_plan_alone(core: Path, tmp_path: Path):
    for given in ((), (tmp_path / "out", "--plan-only")):
        done = generate(core, *given)
        assert done.returncode == 2
        assert "expected either a FOLDER to write to or --plan-only" in done.stderr
    assert not (tmp_path / "out").exists()


CORTEX_M7 = (
    "-std=c++17 -O2 -mcpu=cortex-m7 -mthumb -mfloat-abi=hard -mfpu=fpv5-sp-d16 -fno-exceptions -fno-rtti "
    "-ffunction-sections -fdata-sections --specs=rdimon.specs -nostartfiles -Wl,--gc-sections"
)
BOARD = "-machine mps2-an500 -nographic -monitor none -serial none -semihosting-config enable=on,target=native"


@pytest.mark.skipif(
    shutil.which("arm-none-eabi-g++") is None or shutil.which("qemu-system-arm") is None,
    reason="no compiler for ARM, or no QEMU",
)
def test_a_simulated_cortex_m7_prints_the_same(program: Path, tmp_path: Path):
    """In half a megabyte of RAM, or it would not be linked."""
    sources = [MICRO / "main.cpp", MICRO / "qemu" / "start.cpp"]
    folders = ["-T", MICRO / "qemu" / "mps2.ld", "-I", program.parent, "-I", MICRO]
    image = tmp_path / "segment.elf"
    subprocess.run(["arm-none-eabi-g++", *CORTEX_M7.split(), *folders, *sources, "-o", image], check=True)
    given = pgm(QTips("authors", size=64, seed=5)[1][0])
    simulated = ["qemu-system-arm", *BOARD.split(), "-kernel", image]
    done = subprocess.run(simulated, input=given, capture_output=True, check=True, timeout=120)
    assert done.stdout == subprocess.run([program], input=given, capture_output=True, check=True).stdout
    assert b"background" in done.stdout


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


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("imex-lean", (27, 36)),
        ("second-order-imex-dense", (20, 24)),
        ("hamiltonian-imex-lean", (20, 24)),
    ],
)
def test_logits_are_those_of_onnxruntime(model: str, size: tuple[int, int], tmp_path: Path):
    """To the tolerance that export has, for networks that differ in kind; on noise, with whatever lay in memory."""
    network = build(untrained(model, 1, width=8, n_steps=2), ExportOptions(size, core=True))
    given = np.random.default_rng(2).standard_normal(sides(network)).astype(np.float32)
    (expected,) = onnxruntime.InferenceSession(network.SerializeToString()).run(None, {"normalised": given})
    found = computed(network, given, expected.shape, tmp_path)
    assert np.abs(found - expected).max() <= 1e-4 * np.ptp(expected)


def sides(model: onnx.ModelProto) -> list[int]:
    return [side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim]


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
