"""Programs that generate.py and this machine's compiler make."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import shape_inference

from apps.micro.generate import written
from apps.micro.graph import Graph
from apps.micro.plan import planned

MICRO = Path(__file__).resolve().parents[2] / "apps" / "micro"
COMPILER = shutil.which("g++") or shutil.which("clang++")
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def generate(core: Path, *rest: Path | str) -> subprocess.CompletedProcess[str]:
    """What generate.py says. Args: rest: a folder, options."""
    command = [sys.executable, "-m", "apps.micro.generate", str(core), *map(str, rest)]
    return subprocess.run(command, capture_output=True, text=True, cwd=MICRO.parents[1], check=False)


def built(folder: Path, source: Path = MICRO / "main.cpp") -> Path:
    """The program, with checks of every access to memory."""
    program = folder / "micro"
    command = [str(COMPILER), "-std=c++17", "-O1", *WARNINGS, "-I", str(folder), "-I", str(MICRO), str(source)]
    subprocess.run([*command, "-o", str(program)], check=True)
    return program


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
