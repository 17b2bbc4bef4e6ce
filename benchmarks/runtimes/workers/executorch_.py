"""ExecuTorch with XNNPACK. It begins with torch.export, not with ONNX: the program lies beside the .onnx, as .pt2.

What follows from weights alone, kernels and symbols, is folded first: XNNPACK takes convolutions with constant kernels only.
"""

from pathlib import Path

import torch
from common import Run, main, only


def convert(path: Path, output: Path) -> None:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower
    from executorch.exir.passes.constant_prop_pass import constant_prop_pass

    exported = constant_prop_pass(torch.export.load(path.with_suffix(".pt2")))
    lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    (output / f"{path.stem}.pte").write_bytes(lowered.to_executorch().buffer)


def opened(folder: Path) -> tuple[Run, list[Path]]:
    from executorch.extension.pybindings import portable_lib

    path = only(folder, "*.pte")
    program = portable_lib._load_for_executorch(str(path))
    return lambda image: program.forward([torch.from_numpy(image)])[0].numpy(), [path]


main(convert, opened)
