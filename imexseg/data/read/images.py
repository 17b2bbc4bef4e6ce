"""Reading images of any format, without silent casts."""

from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from imexseg.data.read.as_trained import full_scale, to_channels
from imexseg.data.read.bands import (
    NODATA,
    UnreadableError,
    is_plain_tiff,
    nodata_value,
    read_npy,
    read_tiff,
)
from imexseg.data.read.decode import (
    DEEP_GREY,
    FORMATS,
    TIFF_BEGINS,
    bits_per_sample,
    decoded,
    explanation,
    read_deep_colour,
)
from imexseg.data.read.transparent import deeply_transparent, left_empty, transparent_pixels
from imexseg.data.read.void import filled, meaningless
from imexseg.errors import UsageError

__all__ = ["decoded", "full_scale", "read_image", "read_image_and_void", "to_channels"]


def read_image(path: Path) -> np.ndarray:
    """Read an image upright (EXIF), palettes expanded, alpha dropped, first frame only; of TIFF and .npy all bands.

    Pixels without a value (void.py) have the mean of the others.
    Returns: (H, W, C) uint8, uint16 or float32.
    Raises: UsageError naming the file and the remedy if it cannot be read as an image, not without loss, or is not whole.
    """
    return read_image_and_void(path)[0]


def read_image_and_void(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """As read_image, and where a pixel has no value: (H, W) bool, None if every pixel has one.

    Raises: UsageError as read_image, and if no pixel has a value.
    """
    bands = _read_bands(path)
    if bands is not None:
        pixels, transparent, nodata = bands
    else:
        pixels, transparent, nodata = _read_plain(path)
    void = meaningless(pixels, nodata)
    if transparent is not None and transparent.any():
        void = transparent if void is None else void | transparent
    if void is not None and void.all():
        raise UsageError(
            f"{path}: every pixel is transparent, NaN or nodata; export it again, without alpha if it needs none"
        )
    return filled(pixels, void), void


def _read_plain(path: Path) -> tuple[np.ndarray, np.ndarray | None, float | None]:
    """Pixels, where they are transparent, and the value that stands for nothing."""
    image = decoded(path)
    mode = image.mode
    if mode == "F":
        pixels = np.array(image, dtype=np.float32)
    elif mode in DEEP_GREY:
        pixels = _as_uint16(np.array(image), path)
    elif bits_per_sample(image, path) > 8:
        pixels = read_deep_colour(image, path)
    elif mode in ("1", "L", "LA") or (mode == "P" and _has_grey_palette(image)):
        pixels = np.array(image.convert("L"))
    else:
        pixels = np.array(image.convert("RGB"))
    nodata = nodata_value(image.tag_v2.get(NODATA)) if isinstance(image, TiffImageFile) else None
    transparent = transparent_pixels(image, path)
    if transparent is not None and pixels.dtype == np.uint16 and mode not in DEEP_GREY:
        transparent = deeply_transparent(path, transparent)
    uncovered = left_empty(path, pixels.shape[:2]) if image.format == "GIF" else None
    if uncovered is not None:
        transparent = uncovered if transparent is None else transparent | uncovered
    return np.atleast_3d(pixels), transparent, nodata


def decoded_plain_image(path: Path, more_than: int) -> Image.Image | None:
    """An image of 8 bits, grey or colour, of more than so many pixels, to be cut into pieces; None for all others.

    Raises: UsageError as read_image.
    """
    try:
        with Image.open(path, formats=FORMATS) as header:
            width, height = header.size
            if (
                header.format in ("TIFF", "GIF")
                or width * height <= more_than
                or header.mode not in ("L", "RGB")
                or header.has_transparency_data
            ):
                return None
    except Exception:  # read_image explains it
        return None
    image = decoded(path)
    return image if bits_per_sample(image, path) == 8 else None


def _read_bands(path: Path) -> tuple[np.ndarray, np.ndarray | None, float | None] | None:
    """As _read_plain, of images that Pillow would refuse or reduce; None for those that it reads."""
    try:
        if path.suffix.lower() == ".npy":
            return read_npy(path), None, None
        with open(path, "rb") as file:
            if file.read(4) not in TIFF_BEGINS:
                return None
            file.seek(0)
            try:
                plain = is_plain_tiff(file)
            except Exception:  # Pillow reads some that tifffile does not, and explains the others
                return None
        if plain:
            return None
        return read_tiff(path)
    except UnreadableError as error:
        raise UsageError(f"{path}: {error}") from None
    except Exception as error:  # decoders raise whatever they stumble over in the bytes of strangers
        raise UsageError(f"{path}: {explanation(path, error)}") from None


def _has_grey_palette(image: Image.Image) -> bool:
    colours = np.reshape(image.getpalette("RGB") or [], (-1, 3))
    return bool((colours == colours[:, :1]).all())


def _as_uint16(values: np.ndarray, path: Path) -> np.ndarray:
    if values.min() < 0 or values.max() > 65535:
        raise UsageError(f"{path}: has grey values outside 0 to 65535, which 16 bits cannot hold; scale the image")
    return values.astype(np.uint16)
