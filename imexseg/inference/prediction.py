"""The result of a prediction, whichever runtime computed it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prediction:
    """classes (H, W) uint8; probabilities (num_classes, H, W) float32, adding up to 1 over the classes."""

    classes: np.ndarray
    probabilities: np.ndarray


_AT_ONCE = 1 << 15  # pixels: what is compared stays in the cache


def most_probable(probabilities: np.ndarray) -> np.ndarray:
    """argmax over the classes, the first of equal ones; numpy's own over a first axis takes several times as long.

    Shapes: (num_classes, H, W) → (H, W) uint8.
    """
    _, height, width = probabilities.shape
    classes = np.zeros((height, width), np.uint8)
    rows = max(1, _AT_ONCE // max(1, width))
    for top in range(0, height, rows):
        first, *others = probabilities[:, top : top + rows]
        best, chosen = first.copy(), classes[top : top + rows]
        for number, plane in enumerate(others, 1):
            chosen[plane > best] = number
            np.maximum(best, plane, out=best)
    return classes
