"""int8 by onnxruntime's static quantisation, the solves too: everything between the image and the logits.

A solve is four products with constant matrices and one with its symbol. Eight bits are enough for all of them if the ranges fit.
Which rule of choosing ranges fits differs from network to network, so all are tried and the best is kept. Where none of them
will do, convolutions alone are in int8.
"""

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from imexseg.export.layout import left_matrices, with_channels_first
from imexseg.export.ranges import Range, Ranges, ranges
from imexseg.export.verify import session

CONVOLUTIONS = ("Conv", "ConvTranspose")
QUANTISED = (*CONVOLUTIONS, "MatMul", "Mul", "Add", "Sub", "Relu", "BatchNormalization", "Concat", "Slice")
_SPECTRAL = {"MatMul", "Mul"}  # whose results are, but for the last product, spectra: few large values that matter most
SMALL = 0.0025  # of the pixels: with fewer changed nothing else is tried

Rule = Callable[[str, Ranges], Range]
# By the operator that makes a tensor. Each is tried on everything, and the second on the convolutions alone.
_RULES: tuple[Rule, ...] = (
    lambda operator, found: found.whole if operator in _SPECTRAL else found.best,
    lambda operator, found: found.best,
    lambda operator, found: found.whole,
)


class _Images(CalibrationDataReader):
    def __init__(self, images: Sequence[np.ndarray]):
        self.left = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self.left, None)
        return None if image is None else {"image": image[None]}


def quantise(model: onnx.ModelProto, images: Sequence[np.ndarray]) -> onnx.ModelProto:
    """Weights per output channel, features by the ranges of half of the images; by the rule with which the classes differ least
    from those of `model` on the other half.

    Args: model: with the output `logits`.  images: (H, W, C) of the type and size that the model takes.
    """
    model = with_channels_first(model)
    half = (len(images) + 1) // 2
    made_by = _features(model)
    found = ranges(model, made_by, [{"image": image[None]} for image in images[:half]])
    judges = images[half:] or images
    expected = _answers(model, judges)

    def tried(operators: Sequence[str], rule: Rule) -> tuple[float, onnx.ModelProto]:
        chosen = {name: rule(made_by[name], between) for name, between in found.items()}
        candidate = _quantised(model, operators, chosen, images[0])
        return _difference(_answers(candidate, judges), expected), candidate

    everything = min((tried(QUANTISED, rule) for rule in _RULES), key=lambda result: result[0])
    if everything[0] <= SMALL:
        return everything[1]
    return min(everything, tried(CONVOLUTIONS, _RULES[1]), key=lambda result: result[0])[1]


def _features(model: onnx.ModelProto) -> dict[str, str]:
    """What may be quantised, but for stored weights ↦ the operator that makes it; "" of an input."""
    stored = {tensor.name for tensor in model.graph.initializer}
    made_by = {name: node.op_type for node in model.graph.node for name in node.output}
    of_image = _of_image(model)
    chosen = [node for node in model.graph.node if node.op_type in QUANTISED and of_image.intersection(node.output)]
    names = dict.fromkeys(name for node in chosen for name in (*node.input, *node.output))
    return {name: made_by.get(name, "") for name in names if name not in stored}


def _of_image(model: onnx.ModelProto) -> set[str]:
    """What depends on the image. The rest, symbols of solves, the runtime works out as it loads the file."""
    found = {"image"}
    for node in model.graph.node:
        if found.intersection(node.input):
            found.update(node.output)
    return found


def _quantised(
    model: onnx.ModelProto, operators: Sequence[str], chosen: Mapping[str, Range], image: np.ndarray
) -> onnx.ModelProto:
    kept: dict[str, list[dict[str, Any]]] = {
        name: [{"rmin": np.float32(low), "rmax": np.float32(high)}] for name, (low, high) in chosen.items()
    }
    if "MatMul" in operators:
        kept |= {name: [{"quant_type": QuantType.QUInt8}] for name in left_matrices(model)}
    of_image = _of_image(model)
    level = logging.getLogger().level
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, source)
        logging.getLogger().setLevel(logging.ERROR)  # it advises a pre-processing that does nothing for these graphs
        try:
            quantize_static(
                source,
                target,
                _Images([image]),  # it asks for ranges of its own, which then do not count
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(operators),
                nodes_to_exclude=[node.name for node in model.graph.node if not of_image.intersection(node.output)],
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


def _answers(model: onnx.ModelProto, images: Sequence[np.ndarray]) -> np.ndarray:
    """Shapes: → (n, num_classes, ...), images of several sizes one after the other in one row of pixels."""
    opened = session(model.SerializeToString())
    logits = [opened.run(["logits"], {"image": image[None]})[0][0] for image in images]
    return np.concatenate([scores.reshape(len(scores), -1) for scores in logits], axis=1)


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Share of pixels of another class, the mean logit difference in units of their spread to decide between equals."""
    changed = float((found.argmax(0) != expected.argmax(0)).mean())
    return changed + 1e-3 * float(np.abs(found - expected).mean() / np.ptp(expected))
