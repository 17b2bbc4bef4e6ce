"""Images and masks as a person looks at them."""

import cv2
import numpy as np

from imexseg.data.images import full_scale
from imexseg.data.schema import IGNORE, Colour

IGNORED_COLOUR = (128, 128, 128)


def displayable(image: np.ndarray) -> np.ndarray:
    """8-bit colour for the eye alone: 16 bits are divided by 257, floating point is stretched from darkest to lightest.

    Shapes: (H, W, C) uint8, uint16 or float32 → (H, W, 3) uint8; of more than three channels the first three.
    """
    pixels = image[..., :3] if image.shape[2] >= 3 else np.repeat(image[..., :1], 3, axis=2)
    if pixels.dtype == np.uint8:
        return pixels
    if np.issubdtype(pixels.dtype, np.integer):
        return np.round(pixels * (255 / full_scale(pixels.dtype))).astype(np.uint8)
    finite = np.nan_to_num(pixels, posinf=0, neginf=0)
    low, high = float(finite.min()), float(finite.max())
    return np.round((finite - low) * (255 / (high - low) if high > low else 0)).astype(np.uint8)


def colour_mask(mask: np.ndarray, palette: list[Colour]) -> np.ndarray:
    """Shapes: (H, W) class numbers → (H, W, 3) uint8."""
    return _table(palette)[mask]


def overlay(image: np.ndarray, mask: np.ndarray, palette: list[Colour], opacity: float = 0.5) -> np.ndarray:
    """Class colours over the image; class 0, the background, and ignored pixels keep the image as it is.

    Shapes: (H, W, C), (H, W) → (H, W, 3) uint8.
    """
    shown = displayable(image)
    blended = cv2.addWeighted(shown, 1 - opacity, colour_mask(mask, palette), opacity, 0)
    covered = (mask != 0) & (mask != IGNORE)
    return np.where(covered[..., None], blended, shown)


def png_bytes(pixels: np.ndarray) -> bytes:
    """An image file in memory. Shapes: (H, W) or (H, W, 3) RGB, uint8."""
    encoded, data = cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    if not encoded:
        raise ValueError(f"an array of shape {pixels.shape} and dtype {pixels.dtype} is not a picture")
    return data.tobytes()


def _table(palette: list[Colour]) -> np.ndarray:
    table = np.zeros((256, 3), dtype=np.uint8)
    table[: len(palette)] = palette
    table[IGNORE] = IGNORED_COLOUR
    return table
