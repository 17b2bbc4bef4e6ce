"""Pixel values as tensors; apart from dataset.py, so that predicting does not load the augmentation."""

import numpy as np
import torch
from torch import Tensor

from imexseg.data.read.as_trained import full_scale


def image_to_tensor(image: np.ndarray) -> Tensor:
    """Pixel values as they are, which must be those of the training images (as_trained.py): (H, W, C) → (C, H, W) float32."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(image, -1, 0), dtype=np.float32))


def augmented_to_tensor(image: np.ndarray, dtype: np.dtype) -> Tensor:
    """The same of an image that augmentation may have brought from integers to floats of 0 to 1.

    Args: dtype: of the training images, to whose values the floats are brought back.
    """
    factor = full_scale(np.dtype(dtype)) / full_scale(image.dtype)
    pixels = image_to_tensor(image)
    return pixels if factor == 1 else pixels * factor
