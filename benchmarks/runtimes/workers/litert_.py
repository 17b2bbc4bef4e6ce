"""LiteRT, by onnx2tf: NHWC, as everything of TensorFlow is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from common import Run, main, only


def convert(path: Path, output: Path) -> None:
    # onnx2tf calls onnxsim, which it looks for on the PATH
    programs = Path(sys.executable).parent
    variables = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    shutil.copy(path, output)  # onnx2tf simplifies in place
    # It compares on photographs, which it would fetch from the network; any numbers do.
    np.save(
        output / "calibration_image_sample_data_20x128x128x3_float32.npy", np.random.rand(20, 128, 128, 3).astype("f4")
    )
    subprocess.run([programs / "onnx2tf", "-i", path.name, "-o", ".", "-n"], check=True, env=variables, cwd=output)


def opened(folder: Path) -> tuple[Run, list[Path]]:
    from ai_edge_litert.interpreter import Interpreter

    path = only(folder, "*_float32.tflite")
    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    given, found = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(image):
        interpreter.set_tensor(given, image.transpose(0, 2, 3, 1))
        interpreter.invoke()
        return interpreter.get_tensor(found).transpose(0, 3, 1, 2)

    return run, [path]


main(convert, opened)
