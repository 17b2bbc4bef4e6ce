"""The boundary F-score: how well the outline of a class is met, where IoU speaks of its area.

    precision   of the predicted boundary, the share within the tolerance of the true one
    recall      of the true boundary, the share within the tolerance of the predicted one
    F           2 · precision · recall / (precision + recall)

The boundary of a class are its pixels with a neighbour of another class, to the left or right, above or below. Neither the edge
of the image nor that of ignored pixels is a boundary. Distances are Euclidean, from centre to centre. Counts are summed over all
images before anything is divided, as those of IoU are.

Source: Martin, Fowlkes, Malik 2004; for each class of an image, Csurka, Larlus, Perronnin 2013, who average over images.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from imexseg.data.description.labels import IGNORE


@dataclass(frozen=True)
class BoundaryScores:
    """Args: names: of the classes.  counts: (classes, 4) pixels, as boundary_counts.  tolerance: in pixels."""

    names: tuple[str, ...]
    counts: np.ndarray
    tolerance: float

    @property
    def f_score(self) -> dict[str, float | None]:
        """By class name; None for a class that has no boundary, neither in the truth nor in the prediction."""
        return {name: _f_score(*counts) for name, counts in zip(self.names, self.counts.tolist(), strict=True)}

    @property
    def mean(self) -> float | None:
        """Over the classes that have a boundary; None if none has."""
        present = [value for value in self.f_score.values() if value is not None]
        return float(np.mean(present)) if present else None


def _f_score(met: float, predicted: float, found: float, true: float) -> float | None:
    if not predicted and not true:
        return None
    precision, recall = met / max(predicted, 1), found / max(true, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary_counts(truth: np.ndarray, prediction: np.ndarray, n_classes: int, tolerance: float) -> np.ndarray:
    """Of each class: predicted boundary pixels that are met, all of them, true boundary pixels that are found, all of them.

    Shapes: truth, prediction (H, W) uint8, 255 in the truth ignored in both → (classes, 4) int64.
    """
    known = np.where(truth == IGNORE, IGNORE, prediction)
    edges = _boundary(truth), _boundary(known)
    counts = np.zeros((n_classes, 4), dtype=np.int64)
    for number in range(n_classes):
        true, predicted = (edge & (mask == number) for edge, mask in zip(edges, (truth, known), strict=True))
        counts[number] = (
            _near(predicted, true, tolerance),
            np.count_nonzero(predicted),
            _near(true, predicted, tolerance),
            np.count_nonzero(true),
        )
    return counts


def _boundary(mask: np.ndarray) -> np.ndarray:
    """Pixels with a neighbour of another class. Shapes: (H, W) → (H, W) bool."""
    found = np.zeros(mask.shape, dtype=bool)
    for turned, marked in ((mask, found), (mask.T, found.T)):
        here, there = turned[1:], turned[:-1]
        differs = (here != there) & (here != IGNORE) & (there != IGNORE)
        marked[1:] |= differs
        marked[:-1] |= differs
    return found


def _near(pixels: np.ndarray, others: np.ndarray, tolerance: float) -> int:
    """How many are within the tolerance of one of the others."""
    if not pixels.any() or not others.any():
        return 0
    distance = cv2.distanceTransform((~others).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return int(np.count_nonzero(distance[pixels] <= tolerance + 1e-4))  # single precision
