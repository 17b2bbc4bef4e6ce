"""Where an image shows nothing: an alpha of 0, a colour that its file calls transparent, what a GIF leaves empty."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from imexseg.data.read.decode import DEEP_GREY, FORMATS, bits_per_sample

_ORIENTATION = 274  # the EXIF tag


def transparent_pixels(image: Image.Image, path: Path) -> np.ndarray | None:
    """Where alpha is 0, or the colour that the file calls transparent. Returns: (H, W) bool, None for an opaque image."""
    if not image.has_transparency_data:
        return None
    if image.mode in DEEP_GREY:
        key = image.info.get("transparency")
        return np.array(image) == key if isinstance(key, int) else None
    key, bits = image.info.get("transparency"), bits_per_sample(image, path)
    if (
        image.mode == "L" and bits < 8 and isinstance(key, int)
    ):  # Pillow stretches the pixels to 8 bits, but not the key
        return np.array(image) == key * (255 // (2**bits - 1))
    return np.array(image.convert("RGBA").getchannel("A")) == 0


def deeply_transparent(path: Path, roughly: np.ndarray) -> np.ndarray:
    """Where an alpha of 16 bits is 0. Args: roughly: where its upper 8 bits are, as Pillow sees it."""
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)  # not turned upright
    with Image.open(path, formats=FORMATS) as header:
        turned = header.getexif().get(_ORIENTATION, 1) != 1
    if turned or pixels is None or pixels.shape != (*roughly.shape, 4):
        return roughly
    return pixels[..., 3] == 0


def left_empty(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Where the first frame of a GIF leaves the picture empty: (H, W) bool, None if nowhere."""
    with Image.open(path, formats=["GIF"]) as header:
        left, top, right, bottom = header.tile[0][1] or (0, 0, *header.size)
    empty = np.ones(shape, dtype=bool)
    empty[top:bottom, left:right] = False
    return empty if empty.any() else None
