"""IoU, Dice and accuracy from a confusion matrix."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scores:
    """Scores over all images at once (not averaged over images).

    A class that occurs neither in the truth nor in the prediction has no IoU: it is None and is left out of the mean.
    Pixels whose truth is 255 were never counted.
    """

    names: tuple[str, ...]
    confusion: np.ndarray  # (classes, classes) pixels; row = truth, column = prediction
    images: int

    def _ratio(self, numerator: np.ndarray, denominator: np.ndarray) -> dict[str, float | None]:
        return {
            name: float(n / d) if d > 0 else None for name, n, d in zip(self.names, numerator, denominator, strict=True)
        }

    @property
    def _hits(self) -> np.ndarray:
        return np.diag(self.confusion)

    @property
    def _either(self) -> np.ndarray:
        return self.confusion.sum(0) + self.confusion.sum(1)

    @property
    def iou(self) -> dict[str, float | None]:
        """|truth ∩ prediction| / |truth ∪ prediction| by class name."""
        return self._ratio(self._hits, self._either - self._hits)

    @property
    def dice(self) -> dict[str, float | None]:
        """2 |truth ∩ prediction| / (|truth| + |prediction|) by class name."""
        return self._ratio(2 * self._hits, self._either)

    @property
    def miou(self) -> float:
        """Mean IoU over the classes present in the truth or the prediction; 0 if no pixel was counted."""
        present = [value for value in self.iou.values() if value is not None]
        return float(np.mean(present)) if present else 0.0

    @property
    def accuracy(self) -> float:
        """Share of pixels that are right. Most pixels are background: read the IoU instead."""
        total = self.confusion.sum()
        return float(self._hits.sum() / total) if total else 0.0

    def as_dict(self) -> dict:
        """For JSON: miou, iou, dice, accuracy, confusion, images."""
        return {
            "miou": self.miou,
            "iou": self.iou,
            "dice": self.dice,
            "accuracy": self.accuracy,
            "confusion": self.confusion.tolist(),
            "images": self.images,
        }
