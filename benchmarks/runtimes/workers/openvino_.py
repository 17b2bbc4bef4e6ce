"""OpenVINO reads the .onnx by itself; its own format is smaller to ship."""

from pathlib import Path

import openvino
from common import Run, main, only


def convert(path: Path, output: Path) -> None:
    openvino.save_model(openvino.convert_model(path), output / f"{path.stem}.xml", compress_to_fp16=False)


def opened(folder: Path) -> tuple[Run, list[Path]]:
    path = only(folder, "*.xml")
    settings = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", settings)
    request = compiled.create_infer_request()

    def run(image):
        request.infer({0: image})
        return request.get_output_tensor(0).data.copy()

    return run, [path, path.with_suffix(".bin")]


main(convert, opened)
