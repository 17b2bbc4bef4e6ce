"""int8 by onnxruntime's static quantisation; the solves stay in float."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from imexseg.export.ranges import ranges

QUANTISED = ("Conv", "ConvTranspose")


class _Images(CalibrationDataReader):
    def __init__(self, images: Sequence[np.ndarray]):
        self.left = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self.left, None)
        return None if image is None else {"image": image[None]}


def _features(model: onnx.ModelProto) -> list[str]:
    """What goes into and comes out of the operators that are quantised, but for their weights."""
    stored = {tensor.name for tensor in model.graph.initializer}
    chosen = [node for node in model.graph.node if node.op_type in QUANTISED]
    return list(dict.fromkeys(name for node in chosen for name in (node.input[0], *node.output) if name not in stored))


def quantise(model: onnx.ModelProto, images: Sequence[np.ndarray]) -> onnx.ModelProto:
    """Convolutions in int8, weights per output channel, the ranges of features from `images` (ranges.py); all else as it was.

    A solve, all matrix products, is left in float: its symbol spans several powers of ten, of which 256 levels keep one.
    Args: images: (H, W, C) of the type and size that the model takes.
    """
    found = ranges(model, _features(model), [{"image": image[None]} for image in images])
    kept = {name: [{"rmin": np.float32(low), "rmax": np.float32(high)}] for name, (low, high) in found.items()}
    level = logging.getLogger().level
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, source)
        logging.getLogger().setLevel(logging.ERROR)  # it advises a pre-processing that does nothing for these graphs
        try:
            quantize_static(
                source,
                target,
                _Images(images[:1]),  # it asks for ranges of its own, which then do not count
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(QUANTISED),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                extra_options={"TensorQuantOverrides": kept},
            )
        finally:
            logging.getLogger().setLevel(level)
        quantised = onnx.load(target)
    onnx.helper.set_model_props(quantised, {p.key: p.value for p in model.metadata_props})
    return quantised
