"""Bringing images of any size to one scale: the longer side is resized to a fixed number of pixels, and the result back."""

import torch
import torch.nn.functional as F
from torch import Tensor


def seen_size(height: int, width: int, long_side: int, least: int = 1) -> tuple[int, int]:
    """What (height, width) pixels are scaled to. Args: least: pixels that no side may fall below.

    In integers, halves up, so that every runtime computes the same.
    """
    longer = torch.sym_max(height, width)  # of integers, and of the symbols of a file for any size
    return tuple(torch.sym_max(least, (2 * side * long_side + longer) // (2 * longer)) for side in (height, width))  # type: ignore[return-value]


def scale_image(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear; pixels that are made fewer are averaged (antialias). Shapes: (B, C, H, W) → (B, C, *size)."""
    if _is_of(image, size):
        return image
    return F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)


def scale_back(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear. Shapes: (B, num_classes, h, w) → (B, num_classes, *size)."""
    if _is_of(logits, size):
        return logits
    return F.interpolate(logits, size, mode="bilinear", align_corners=False)


def _is_of(image: Tensor, size: tuple[int, int]) -> bool:
    """Symbols, in a file for images of any size, are equal to nothing."""
    sides = (*image.shape[-2:], *size)
    return not any(isinstance(side, torch.SymInt) for side in sides) and image.shape[-2:] == size
