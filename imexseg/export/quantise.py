"""int8 by onnxruntime's static quantisation; the solves stay in float."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

QUANTISED = ("Conv", "ConvTranspose")


class _Images(CalibrationDataReader):
    def __init__(self, images: Sequence[np.ndarray]):
        self.left = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self.left, None)
        return None if image is None else {"image": image[None]}


def quantise(model: onnx.ModelProto, images: Sequence[np.ndarray]) -> onnx.ModelProto:
    """Convolutions in int8, weights per output channel, the ranges of features from `images`; everything else as it was.

    A solve, all matrix products, is left in float: its symbol spans several powers of ten, of which 256 levels keep one.
    Args: images: (H, W, C) of the type and size that the model takes.
    """
    level = logging.getLogger().level
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, source)
        logging.getLogger().setLevel(logging.ERROR)  # it advises a pre-processing that does nothing for these graphs
        try:
            quantize_static(
                source,
                target,
                _Images(images),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(QUANTISED),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
        finally:
            logging.getLogger().setLevel(level)
        quantised = onnx.load(target)
    onnx.helper.set_model_props(quantised, {p.key: p.value for p in model.metadata_props})
    return quantised
