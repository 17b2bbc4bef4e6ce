"""Raw pixel values as network input; separate from dataset.py so that predicting does not load the augmentation."""

import numpy as np
import torch
from torch import Tensor

from imexseg.data.read.images import full_scale


def image_to_tensor(image: np.ndarray, scale: float) -> Tensor:
    """Raw pixel values as the network takes them: (H, W, C) of any dtype → (C, H, W) float32.

    Args: scale: the value that means white to the network; an image of another bit depth is brought to it in floating
    point, so that no bit of a 16-bit image is lost to a network trained on 8 bits.
    """
    pixels = np.ascontiguousarray(np.moveaxis(image, -1, 0), dtype=np.float32)
    factor = scale / full_scale(image.dtype)
    return torch.from_numpy(pixels if factor == 1 else pixels * np.float32(factor))
