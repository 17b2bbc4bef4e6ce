"""What is counted of one image, to be added up over a split."""

from dataclasses import dataclass

import numpy as np

from imexseg.data.check.problem import Problem
from imexseg.data.description.labels import IGNORE
from imexseg.data.read.masks import ReadMask
from imexseg.evaluation.boundary import boundary_counts
from imexseg.evaluation.calibration import calibration_sums
from imexseg.inference.confidence import confidence
from imexseg.inference.prediction import Prediction


@dataclass(frozen=True)
class Measures:
    """What is measured beside the confusion matrix. boundary: tolerance in pixels, None: not.  temperature: for calibration."""

    boundary: float | None = None
    calibration: bool = False
    temperature: float = 1.0


NOTHING_MORE = Measures()


@dataclass(frozen=True)
class Counted:
    """What one pair contributes: its confusion matrix, how its mask was read, and what a person should know of its files; counts
    of boundaries (boundary.py) and sums of confidence (calibration.py), if they were asked for."""

    matrix: np.ndarray
    read: ReadMask  # without its pixels
    remarks: list[Problem]
    boundary: np.ndarray | None = None
    calibration: np.ndarray | None = None


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, n_classes: int) -> np.ndarray:
    """Pixels by (truth, prediction), those with truth 255 left out. Shapes: (H, W), (H, W) → (classes, classes)."""
    counted = truth != IGNORE
    pair = truth[counted].astype(np.int64) * n_classes + prediction[counted]
    return np.bincount(pair, minlength=n_classes**2).reshape(n_classes, n_classes)


def measured(
    mask: np.ndarray, prediction: Prediction, n_classes: int, measures: Measures
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """What Counted holds beside the confusion matrix."""
    boundary = calibration = None
    if measures.boundary is not None:
        boundary = boundary_counts(mask, prediction.classes, n_classes, measures.boundary)
    if measures.calibration:
        shares = confidence(prediction.probabilities, measures.temperature)
        calibration = calibration_sums(mask, prediction.classes, shares)
    return boundary, calibration
