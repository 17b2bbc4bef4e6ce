"""Pictures for people: images, coloured masks and overlays."""

import cv2
import numpy as np

from imexseg.data.description.labels import IGNORE
from imexseg.data.description.palette import Colour
from imexseg.data.read.as_trained import full_scale

IGNORED_STRIPES = np.array([(105, 105, 105), (165, 165, 165)], dtype=np.uint8)  # a plain grey might be a class


def displayable(image: np.ndarray) -> np.ndarray:
    """8-bit colour for the eye alone: 16 bits are divided by 257, floating point is stretched from darkest to lightest.

    Shapes: (H, W, C) uint8, uint16 or float32 → (H, W, 3) uint8; of more than three channels the first three.
    """
    pixels = image[..., :3] if image.shape[2] >= 3 else np.repeat(image[..., :1], 3, axis=2)
    if pixels.dtype == np.uint8:
        return pixels
    if np.issubdtype(pixels.dtype, np.integer):
        white = full_scale(pixels.dtype)
        return np.round(np.arange(white + 1) * (255 / white)).astype(np.uint8)[pixels]
    finite = pixels[np.isfinite(pixels)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    stretched = (np.nan_to_num(pixels, nan=low, posinf=high, neginf=low) - low) * (255 / (high - low or 1.0))
    return np.round(stretched).astype(np.uint8)


def colour_mask(mask: np.ndarray, palette: list[Colour]) -> np.ndarray:
    """Each class in its colour, ignored pixels in grey stripes. Shapes: (H, W) class numbers → (H, W, 3) uint8."""
    table = np.zeros((IGNORE + 1, 3), dtype=np.uint8)
    table[: len(palette)] = palette
    coloured = table[mask]
    rows, columns = np.nonzero(mask == IGNORE)
    stripe = max(2, max(mask.shape) // 64)  # pixels: stripes that stay visible when a large picture is shown small
    coloured[rows, columns] = IGNORED_STRIPES[(rows + columns) // stripe % 2]
    return coloured


def overlay(image: np.ndarray, mask: np.ndarray, palette: list[Colour], opacity: float = 0.5) -> np.ndarray:
    """Class colours over the image, ignored pixels under grey stripes; class 0, the background, shows the image itself.

    Shapes: image (H, W, C) as for displayable, mask (H, W) uint8 → (H, W, 3) uint8. opacity: 0 to 1.
    """
    shown = displayable(image)
    blended = cv2.addWeighted(shown, 1 - opacity, colour_mask(mask, palette), opacity, 0)
    return np.where((mask != 0)[..., None], blended, shown)


def png_bytes(pixels: np.ndarray) -> bytes:
    """An image file in memory, without loss. Shapes: (H, W) or (H, W, 3) RGB, uint8. Raises: ValueError for others."""
    return _encoded(".png", pixels)


def jpeg_bytes(pixels: np.ndarray) -> bytes:
    """An image file in memory, small. Shapes: (H, W) or (H, W, 3) RGB, uint8. Raises: ValueError for others."""
    return _encoded(".jpg", pixels, cv2.IMWRITE_JPEG_QUALITY, 88)


def _encoded(suffix: str, pixels: np.ndarray, *parameters: int) -> bytes:
    if pixels.dtype == np.uint8 and pixels.size and (pixels.ndim == 2 or pixels.shape[2:] == (3,)):
        encoded, data = cv2.imencode(suffix, pixels[..., ::-1] if pixels.ndim == 3 else pixels, parameters)
        if encoded:
            return data.tobytes()
    raise ValueError(f"an array of shape {pixels.shape} and dtype {pixels.dtype} is not a picture")
