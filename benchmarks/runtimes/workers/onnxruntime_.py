"""onnxruntime takes the file as it is."""

import shutil
from pathlib import Path

import onnxruntime
from common import Run, main, only


def convert(path: Path, output: Path) -> None:
    shutil.copy(path, output)


def opened(folder: Path) -> tuple[Run, list[Path]]:
    path = only(folder, "*.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda image: session.run(None, {"normalised": image})[0], [path]


main(convert, opened)
