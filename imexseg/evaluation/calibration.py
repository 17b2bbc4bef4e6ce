"""The expected calibration error: how far confidence and accuracy lie apart.

    ECE = Σ n_b / n · | accuracy_b - confidence_b |       over bins b of equal width in confidence

Source: Naeini, Cooper, Hauskrecht 2015; with 15 bins, Guo et al. 2017.
"""

from dataclasses import dataclass

import numpy as np

from imexseg.data.description.labels import IGNORE

BINS = 15


@dataclass(frozen=True)
class Calibration:
    """sums: (BINS, 3): pixels, their confidence, and how many of them are right."""

    sums: np.ndarray

    @property
    def error(self) -> float | None:
        """From 0 to 1; None if no pixel was counted."""
        n = self.sums[:, 0].sum()
        return float(np.abs(self.sums[:, 1] - self.sums[:, 2]).sum() / n) if n else None


def calibration_sums(truth: np.ndarray, classes: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Pixels whose truth is 255 do not count. Shapes: (H, W) each → (BINS, 3) float64."""
    counted = truth != IGNORE
    shares = confidence[counted].astype(np.float64)
    number = np.minimum((shares * BINS).astype(np.int64), BINS - 1)
    right = (truth == classes)[counted]
    columns = [np.bincount(number, weights, BINS) for weights in (None, shares, right)]
    return np.stack(columns, axis=1).astype(np.float64)
