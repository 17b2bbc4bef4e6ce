"""ncnn, by pnnx. With its packed layouts a product of matrices takes two hundred times as long on x86: they are switched off."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from common import Run, main, only


def convert(path: Path, output: Path) -> None:
    shutil.copy(path, output)  # pnnx writes beside what it reads
    subprocess.run([Path(sys.executable).parent / "pnnx", path.name, "fp16=0"], check=True, cwd=output)


def opened(folder: Path) -> tuple[Run, list[Path]]:
    import ncnn

    param, weights = only(folder, "*.ncnn.param"), only(folder, "*.ncnn.bin")
    net = ncnn.Net()
    net.opt.num_threads = 1
    net.opt.use_packing_layout = "MatMul" not in param.read_text()
    net.opt.use_fp16_storage = net.opt.use_fp16_packed = net.opt.use_fp16_arithmetic = False
    if net.load_param(str(param)) or net.load_model(str(weights)):
        raise SystemExit("ncnn: cannot load the converted network")

    def run(image):
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(np.ascontiguousarray(image[0])).clone())
        _, found = extractor.extract("out0")
        return np.array(found)[None]

    return run, [param, weights]


main(convert, opened)
