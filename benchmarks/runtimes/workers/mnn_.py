"""MNN. Its own `mnnconvert` also installs a package that reports each conversion to a server; this is the same without."""

from pathlib import Path

import _tools  # of MNN
import MNN
import numpy as np
from common import Run, main, only


def convert(path: Path, output: Path) -> None:
    target = output / f"{path.stem}.mnn"
    files = ["--modelFile", str(path), "--MNNModel", str(target)]
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", *files, "--bizCode", "imexseg"])
    if not target.is_file():
        raise SystemExit("mnnconvert wrote no file")


def opened(folder: Path) -> tuple[Run, list[Path]]:
    path = only(folder, "*.mnn")
    runtime = MNN.nn.create_runtime_manager(({"backend": 0, "numThread": 1, "precision": "high"},))
    module = MNN.nn.load_module_from_file(str(path), ["normalised"], ["logits"], runtime_manager=runtime)

    def run(image):
        given = MNN.expr.const(np.ascontiguousarray(image), list(image.shape), MNN.expr.NCHW)
        return np.array(MNN.expr.convert(module.forward(given), MNN.expr.NCHW).read())

    return run, [path]


main(convert, opened)
