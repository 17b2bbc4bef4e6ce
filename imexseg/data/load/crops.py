"""Crops of large images for training, half of them chosen so that rare classes are seen more often."""

import cv2
import numpy as np

from imexseg.data.description.labels import IGNORE

RARE_SHARE = 0.5  # of the crops that are laid round a pixel of a drawn class; the others lie anywhere


class RareClassCrop:
    """(image (H, W, C), mask (H, W)) ↦ a piece of size (h, w) of both, where it was laid drawn repeatably.

    Half of the pieces lie anywhere, the other half round a random pixel of a class that is drawn among those in the mask
    with probability ∝ 1/√pixels of the class in the training split. A smaller image is extended below and to the right, by
    repeating its last row and column; the mask there is ignored.
    Args: class_pixels: (classes,) of the training split.
    """

    def __init__(self, size: tuple[int, int], class_pixels: np.ndarray):
        self.size = size
        self._chance = 1 / np.sqrt(np.maximum(class_pixels, 1.0))

    def __call__(self, image: np.ndarray, mask: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """What is drawn depends on the seed alone."""
        image, mask = _extended(image, mask, self.size)
        free = [side - wanted for side, wanted in zip(mask.shape, self.size, strict=True)]
        random = np.random.default_rng(seed)
        corner = [int(random.integers(0, space + 1)) for space in free]
        if max(free) > 0 and random.random() < RARE_SHARE:
            corner = self._round_a_pixel(mask, random) or corner
        top, left = (min(max(start, 0), space) for start, space in zip(corner, free, strict=True))
        rows, columns = slice(top, top + self.size[0]), slice(left, left + self.size[1])
        return np.ascontiguousarray(image[rows, columns]), np.ascontiguousarray(mask[rows, columns])

    def _round_a_pixel(self, mask: np.ndarray, random: np.random.Generator) -> list[int] | None:
        counts = np.bincount(mask.ravel(), minlength=256)[: len(self._chance)]
        chance = np.where(counts > 0, self._chance, 0)
        if not chance.sum():
            return None
        drawn = random.choice(len(chance), p=chance / chance.sum())
        pixel = np.flatnonzero(mask.ravel() == drawn)[random.integers(0, counts[drawn])]
        # Anywhere in the piece, not always in its middle.
        return [
            int(position - random.integers(0, side))
            for position, side in zip(divmod(int(pixel), mask.shape[1]), self.size, strict=True)
        ]


def _extended(image: np.ndarray, mask: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    below, right = (max(0, wanted - side) for wanted, side in zip(size, mask.shape, strict=True))
    if not below and not right:
        return image, mask
    extended = np.pad(image, ((0, below), (0, right), (0, 0)), mode="edge")
    return extended, cv2.copyMakeBorder(mask, 0, below, 0, right, cv2.BORDER_CONSTANT, value=IGNORE)
