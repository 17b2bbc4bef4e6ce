"""The result of a prediction, whichever runtime computed it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prediction:
    """classes (H, W) uint8; probabilities (num_classes, H, W) float32, adding up to 1 over the classes."""

    classes: np.ndarray
    probabilities: np.ndarray
