"""LiteRT, by litert-torch. It begins with torch.export, not with ONNX: the program lies beside the .onnx, as .pt2.

NHWC at both ends, as everything of TensorFlow is, and as `imexseg edge --engine litert` expects.
"""

from pathlib import Path

import torch
from common import Run, main, only


def convert(path: Path, output: Path) -> None:
    import litert_torch

    program = torch.export.load(path.with_suffix(".pt2"))
    network, given = program.module(), program.example_inputs[0][0]
    for node in network.graph.nodes:  # litert-torch 0.10 has no word for X + alpha * Y
        if node.target is torch.ops.aten.add.Tensor and "alpha" in node.kwargs:
            X, Y = node.args
            with network.graph.inserting_before(node):
                scaled = network.graph.call_function(torch.ops.aten.mul.Tensor, (Y, node.kwargs["alpha"]))
            node.args, node.kwargs = (X, scaled), {}
    network.recompile()
    network = litert_torch.to_channel_last_io(network, args=[0], outputs=[0])
    litert_torch.convert(network, (given.permute(0, 2, 3, 1),)).export(str(output / f"{path.stem}.tflite"))


def opened(folder: Path) -> tuple[Run, list[Path]]:
    from ai_edge_litert.interpreter import Interpreter

    path = only(folder, "*.tflite")
    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    given, found = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(image):
        interpreter.set_tensor(given, image.transpose(0, 2, 3, 1))
        interpreter.invoke()
        return interpreter.get_tensor(found).transpose(0, 3, 1, 2)

    return run, [path]


main(convert, opened)
