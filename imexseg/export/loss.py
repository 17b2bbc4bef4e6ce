"""What int8 costs, measured on images that did not determine its ranges."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.pairs.pairs import list_pairs
from imexseg.errors import JobError
from imexseg.evaluation.evaluate import class_table, confusion_matrix, read_pair
from imexseg.evaluation.scores import Scores
from imexseg.export.sample_images import generated_pairs
from imexseg.inference.onnx_predictor import OnnxPredictor
from imexseg.models.info import ModelInfo

LARGEST_LOSS = 0.01  # of mIoU
LARGEST_CHANGE = 0.01  # of the pixels
GENERATED_IMAGES = 256  # one bar more or less is 0.04 of mIoU among 64

Sample = tuple[np.ndarray, np.ndarray]  # image (H, W, C), mask (H, W)


@dataclass(frozen=True)
class Loss:
    """mIoU of the file in fp32 and of that in int8, and the share of pixels whose class differs between the two."""

    kind: str
    images: int
    before: float
    after: float
    changed: float

    def __str__(self) -> str:
        return (
            f"{self.images} {self.kind} images kept out of the calibration: mIoU {self.before:.4f} in fp32, "
            f"{self.after:.4f} in int8, {self.changed:.2%} of the pixels change their class"
        )


def measure(before: Path, after: Path, info: ModelInfo, data: DataDescription | None, size: tuple[int, int]) -> Loss:
    """Args: before, after: the same file in fp32 and in int8.  data: its val split is used; None: Q-tips are drawn.

    Raises: UsageError if the classes of the data are not the network's, or its split cannot be read.
    """
    predictors = OnnxPredictor(before), OnnxPredictor(after)
    samples = (
        _pairs(data, class_table(predictors[0], data))
        if data is not None
        else generated_pairs(info, size, GENERATED_IMAGES, "test")
    )
    kind = data.root.resolve().name if data is not None else "Q-tips"
    return _compared(*predictors, samples, kind)


def require_small(path: Path, loss: Loss) -> None:
    """Raises: JobError with figures and remedy. Written so that NaN does not pass."""
    if loss.before - loss.after <= LARGEST_LOSS and loss.changed <= LARGEST_CHANGE:
        return
    raise JobError(
        f"{path}: int8 loses too much. {loss}; at most {LARGEST_LOSS:.2f} of mIoU and {LARGEST_CHANGE:.0%} of the pixels may be "
        f"lost. Nothing was written; use --precision fp16 or fp32, calibrate on other images (--calibration DATA), or accept "
        f"it with --allow-loss"
    )


def _compared(before: OnnxPredictor, after: OnnxPredictor, samples: Iterable[Sample], kind: str) -> Loss:
    names = tuple(before.info.names)
    confusions = [np.zeros((len(names), len(names)), np.int64) for _ in range(2)]
    changed = pixels = images = 0
    for image, mask in samples:
        found = [predictor.predict(image).classes for predictor in (before, after)]
        for confusion, classes in zip(confusions, found, strict=True):
            confusion += confusion_matrix(mask, classes, len(names))
        changed += int((found[0] != found[1]).sum())
        pixels += mask.size
        images += 1
    mious = [Scores(names, confusion, images).miou for confusion in confusions]
    return Loss(kind, images, mious[0], mious[1], changed / pixels)


def _pairs(data: DataDescription, to_network: np.ndarray) -> Iterator[Sample]:
    for pair in list_pairs(data, "val"):
        image, mask = read_pair(pair, data.names)
        yield image, to_network[mask]
