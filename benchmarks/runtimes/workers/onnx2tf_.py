"""From the .onnx alone to TensorFlow, for the interpreter of microcontrollers: onnx2tf leaves a saved model in OUTPUT.

It guesses which axis is which, and compares; where a side has as many pixels as there are channels it may guess wrong.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from common import serve


def convert(path: Path, output: Path) -> None:
    # onnx2tf calls onnxsim, which it looks for on the PATH; oneDNN's product of matrices crashes in TensorFlow 2.19.
    programs = Path(sys.executable).parent
    path_variable = f"{programs}{os.pathsep}{os.environ['PATH']}"
    variables = os.environ | {"PATH": path_variable, "TF_ENABLE_ONEDNN_OPTS": "0"}
    shutil.copy(path, output)  # onnx2tf simplifies in place
    # It compares on photographs, which it would fetch from the network; any numbers do.
    images = np.random.default_rng(0).random((20, 128, 128, 3), np.float32)
    np.save(output / "calibration_image_sample_data_20x128x128x3_float32.npy", images)
    subprocess.run([programs / "onnx2tf", "-i", path.name, "-o", ".", "-n"], check=True, env=variables, cwd=output)


def answers(folder: Path, given: np.ndarray):
    raise SystemExit("onnx2tf converts only")


serve(convert, answers)
