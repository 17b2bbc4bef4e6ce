"""Test-time augmentation: averaging predictions over mirrored and scaled copies of the image."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import cv2
import numpy as np

from imexseg.data.read.as_trained import as_trained
from imexseg.inference.footprint import Footprint
from imexseg.inference.open import SharedPredictor
from imexseg.inference.prediction import Prediction, most_probable

SCALES = (0.75, 1.0, 1.25)


class AugmentedPredictor:
    """A predictor that averages over scales and flips. It has the interface of the one that it wraps.

    Every scale is seen as it is and mirrored left to right; upside down as well if the network was trained on all symmetries.
    Args: scales: of the image, 1 = as it is.
    """

    def __init__(self, predictor: SharedPredictor, scales: Sequence[float] = SCALES):
        self.predictor = predictor
        self.info = predictor.info
        self.gives_probabilities = predictor.gives_probabilities
        self.parameters = predictor.parameters
        self.seen_radius = predictor.seen_radius
        self.long_side = predictor.long_side
        self.scales = scales if self.long_side is None else (1.0,)  # the network would undo any other
        vertical = predictor.info.training.get("augmentation") == "symmetries"
        self.flips = [(False, False), (False, True), *([(True, False), (True, True)] if vertical else [])]

    def predict(self, image: np.ndarray, name: str | Path = "image") -> Prediction:
        """As Predictor.predict: (H, W, C) → classes (H, W) and their mean probabilities (num_classes, H, W)."""
        return self.segment(as_trained(image, self.info, name)[0], name)

    def segment(self, image: np.ndarray, name: str | Path = "image") -> Prediction:
        """As predict, for pixels as the training images have them: converted once, not anew for each copy."""
        height, width = image.shape[:2]
        total: np.ndarray | None = None
        for scale in self.scales:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            scaled = image if size == (width, height) else _resized(image, size)
            for upside_down, mirrored in self.flips:
                flip = (slice(None, None, -1 if upside_down else 1), slice(None, None, -1 if mirrored else 1))
                seen = self.predictor.segment(np.ascontiguousarray(scaled[flip]), name).probabilities
                back = np.moveaxis(seen[(slice(None), *flip)], 0, -1)
                if size != (width, height):
                    back = _resized(np.ascontiguousarray(back), (width, height))
                total = back.astype(np.float32) if total is None else total + back
        assert total is not None  # there is at least one scale
        mean = np.ascontiguousarray(np.moveaxis(total, -1, 0)) / (len(self.scales) * len(self.flips))
        return Prediction(most_probable(mean), mean)

    def predict_batch(self, images: list[np.ndarray], name: str | Path = "image") -> list[Prediction]:
        """One after the other."""
        return [self.predict(image, name) for image in images]

    def classes_batch(self, images: list[np.ndarray], name: str | Path = "image") -> list[np.ndarray]:
        """The classes of segment alone, one image after the other."""
        return [self.segment(image, name).classes for image in images]

    def threads(self, number: int | None) -> AbstractContextManager[None]:
        """Those of the wrapped predictor."""
        return self.predictor.threads(number)

    @property
    def footprint(self) -> Footprint:
        """That of the largest copy; and the mean, a copy's answer, and the same at the size of the image."""
        return self.predictor.footprint.scaled(max(self.scales)).plus(3 * 4 * len(self.info.names))

    def adaptation(self, image: np.ndarray) -> str | None:
        """What the wrapped predictor says of the image as it is."""
        return self.predictor.adaptation(image)


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Shapes: (H, W, C) → (h, w, C). Args: size: (w, h)."""
    how = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_LINEAR
    channels = [
        cv2.resize(np.ascontiguousarray(channel), size, interpolation=how) for channel in np.moveaxis(image, -1, 0)
    ]
    return np.stack(channels, axis=2)  # one by one: OpenCV averages over areas for up to four channels only
