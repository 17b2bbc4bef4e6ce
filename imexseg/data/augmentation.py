"""Augmentation by name. The only file that imports albumentations."""

import os
import random

import numpy as np

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # importing it would ask the network for a newer version

import albumentations as A

AUGMENTATIONS = ("none", "symmetries")


class Augmentation:
    """(image (H, W, C), mask (H, W)) ↦ the same, changed at random but repeatably.

    "symmetries" draws one of the eight symmetries of the square, for images without an up and a down; on images that are not
    all square it keeps to the four that do not swap height and width.
    """

    def __init__(self, name: str, square: bool):
        if name not in AUGMENTATIONS:
            raise ValueError(f"unknown augmentation {name!r}; choose one of {', '.join(AUGMENTATIONS)}")
        steps = [A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)] if name == "symmetries" else []
        if steps and square:
            steps.append(A.Transpose(p=0.5))
        self._transform = A.Compose(steps) if steps else None

    def __call__(self, image: np.ndarray, mask: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """What is drawn depends on the seed alone, not on what was drawn before or by which worker."""
        if self._transform is None:
            return image, mask
        # One state for all steps: set_random_seed would start each of them from the same number, and with it they would all
        # flip, or none of them.
        self._transform.set_random_state(np.random.default_rng(seed), random.Random(seed))
        result = self._transform(image=image, mask=mask)
        return result["image"], result["mask"]
