"""Bilinear resizing as two matrix products, in numpy: what numerics/scaling.py does, where there is no torch."""

import functools

import numpy as np


def resized(array: np.ndarray, size: tuple[int, int], antialias: bool) -> np.ndarray:
    """Shapes: (..., H, W) float32 → (..., *size). Args: antialias: average pixels that are made fewer."""
    if array.shape[-2:] == size:
        return array
    height, width = array.shape[-2:]
    return bilinear(height, size[0], antialias) @ array @ bilinear(width, size[1], antialias).T


@functools.lru_cache(maxsize=16)
def bilinear(old: int, new: int, antialias: bool) -> np.ndarray:
    """Rows of weights, each of sum 1; pixel centres lie at i + ½. Shapes: → (new, old) float32."""
    scale = old / new
    reach = max(scale, 1.0) if antialias else 1.0
    centres = (np.arange(new) + 0.5) * scale
    if not antialias:
        centres = np.clip(centres, 0.5, old - 0.5)  # nothing beyond the outermost centres
    distances = np.abs(np.arange(old) + 0.5 - centres[:, None]) / reach
    weights = np.maximum(0.0, 1.0 - distances)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def seen_size(height: int, width: int, long_side: int, least: int) -> tuple[int, int]:
    """What (height, width) pixels are scaled to, in integers, halves up. Args: least: pixels that no side may fall below."""
    longer = max(height, width)
    rows, columns = (max(least, (2 * side * long_side + longer) // (2 * longer)) for side in (height, width))
    return rows, columns
