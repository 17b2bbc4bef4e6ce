"""Which part of a file phone accelerators would run, according to onnxruntime's own checker."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import onnxruntime
from onnxruntime.tools.mobile_helpers.usability_checker import check_coreml_partitions, check_nnapi_partitions
from onnxruntime.tools.onnx_model_utils import ModelProtoWithShapeInfo, optimize_model

_CHECKS: dict[str, Callable] = {
    "CoreML": partial(check_coreml_partitions, config_filename="coreml_supported_mlprogram_ops.md"),
    "NNAPI": check_nnapi_partitions,
}


def device_lines(path: Path) -> list[str]:
    """One line for each accelerator: how much of the file it would take, and which operators fall back to the CPU."""
    with tempfile.TemporaryDirectory() as folder:
        # as the runtime sees it, constants folded
        optimised = Path(folder) / "optimised.onnx"
        optimize_model(path, optimised, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC)
        model = ModelProtoWithShapeInfo(optimised).model_with_shape_info
        lines = []
        for name, check in _CHECKS.items():
            found = check(model, require_fixed_input_sizes=True)
            left = ", ".join(sorted(op.removeprefix("ai.onnx:") for op in found.unsupported_ops))
            reasons = [f"on the CPU: {left}"] if left else []
            if found.nodes_unsupported_due_to_dynamic_input:
                reasons.append(f"{found.nodes_unsupported_due_to_dynamic_input} nodes because their size is not fixed")
            parts = f"{found.num_partitions} part{'' if found.num_partitions == 1 else 's'}"
            share = f"{name:6} would run {found.num_supported_nodes} of {found.num_nodes} nodes, in {parts}"
            lines.append("; ".join([share, *reasons]))
    return lines
