"""Reading images of any format, without silent casts."""

import os
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from imexseg.data.read.as_trained import full_scale, to_channels
from imexseg.data.read.bands import (
    LARGEST_IMAGE,
    NODATA,
    UnreadableError,
    is_plain_tiff,
    nodata_value,
    read_npy,
    read_tiff,
)
from imexseg.data.read.void import filled, meaningless
from imexseg.data.read.whole import NotWholeError, check_claims, check_pixels
from imexseg.errors import UsageError

__all__ = ["decoded", "full_scale", "read_image", "read_image_and_void", "to_channels"]

Image.MAX_IMAGE_PIXELS = LARGEST_IMAGE // 2  # Pillow refuses beyond twice this number, and warns from it on
# Large images and odd tags are handled. For good, since warnings.catch_warnings is not safe where threads read images.
warnings.filterwarnings("ignore", module=r"PIL\.")
cv2.utils.logging.setLogLevel(
    cv2.utils.logging.LOG_LEVEL_SILENT
)  # what is wrong with a file is said in one line of our own

# Pillow's other readers would cast 16 bits to 8 (PPM, JPEG 2000, AVIF) or start other programs (EPS).
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")
_TIFF_BEGINS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BITS_PER_SAMPLE = 258  # the TIFF tag
_ORIENTATION = 274  # the EXIF tag
_PNG_GREY_ALPHA = 4  # the PNG colour type
_DEEP_GREY = ("I;16", "I;16B", "I;16L", "I;16N", "I")


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
    elif mode in _DEEP_GREY:
        pixels = _as_uint16(np.array(image), path)
    elif bits_per_sample(image, path) > 8:
        pixels = read_deep_colour(image, path)
    elif mode in ("1", "L", "LA") or (mode == "P" and _has_grey_palette(image)):
        pixels = np.array(image.convert("L"))
    else:
        pixels = np.array(image.convert("RGB"))
    nodata = nodata_value(image.tag_v2.get(NODATA)) if isinstance(image, TiffImageFile) else None
    transparent = _transparent(image, path)
    if transparent is not None and pixels.dtype == np.uint16 and mode not in _DEEP_GREY:
        transparent = _deep_transparent(path, transparent)
    uncovered = _uncovered(path, pixels.shape[:2]) if image.format == "GIF" else None
    if uncovered is not None:
        transparent = uncovered if transparent is None else transparent | uncovered
    return np.atleast_3d(pixels), transparent, nodata


def _transparent(image: Image.Image, path: Path) -> np.ndarray | None:
    """Where alpha is 0, or the colour that the file calls transparent. Returns: (H, W) bool, None for an opaque image."""
    if not image.has_transparency_data:
        return None
    if image.mode in _DEEP_GREY:
        key = image.info.get("transparency")
        return np.array(image) == key if isinstance(key, int) else None
    key, bits = image.info.get("transparency"), bits_per_sample(image, path)
    if (
        image.mode == "L" and bits < 8 and isinstance(key, int)
    ):  # Pillow stretches the pixels to 8 bits, but not the key
        return np.array(image) == key * (255 // (2**bits - 1))
    return np.array(image.convert("RGBA").getchannel("A")) == 0


def _deep_transparent(path: Path, roughly: np.ndarray) -> np.ndarray:
    """Where an alpha of 16 bits is 0. Args: roughly: where its upper 8 bits are, as Pillow sees it."""
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)  # not turned upright
    with Image.open(path, formats=FORMATS) as header:
        turned = header.getexif().get(_ORIENTATION, 1) != 1
    if turned or pixels is None or pixels.shape != (*roughly.shape, 4):
        return roughly
    return pixels[..., 3] == 0


def _uncovered(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Where the first frame of a GIF leaves the picture empty: (H, W) bool, None if nowhere."""
    with Image.open(path, formats=["GIF"]) as header:
        left, top, right, bottom = header.tile[0][1] or (0, 0, *header.size)
    empty = np.ones(shape, dtype=bool)
    empty[top:bottom, left:right] = False
    return empty if empty.any() else None


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
            if file.read(4) not in _TIFF_BEGINS:
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
        raise UsageError(f"{path}: {_explanation(path, error)}") from None


def decoded(path: Path) -> Image.Image:
    """The whole image, turned upright."""
    try:
        # Given a name instead of a file, Pillow 13 maps TIFF into memory and scrambles it if its orientation is not 1.
        with open(path, "rb") as file:
            image = Image.open(file, formats=FORMATS)
            check_claims(image, path)
            image.load()
            check_pixels(image, path)
            ImageOps.exif_transpose(image, in_place=True)
            return image
    except Exception as error:  # decoders raise whatever they stumble over in the bytes of strangers
        raise UsageError(f"{path}: {_explanation(path, error)}") from None


def _explanation(path: Path, error: Exception) -> str:
    """What is wrong with the file, and the remedy."""
    if os.path.isdir(path):
        return "is a folder, not an image file"
    if isinstance(error, NotWholeError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "may not be read; change its permissions"
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read ({error.strerror})"
    if isinstance(error, Image.DecompressionBombError):
        return f"claims more than {LARGEST_IMAGE} pixels; cut it into smaller images"
    if isinstance(error, MemoryError):
        return "does not fit into memory; cut it into smaller images"
    if isinstance(error, UnidentifiedImageError):
        begin = path.read_bytes()[:4]
        if not begin:
            return "is empty (0 bytes); replace it with the right image"
        if begin in _TIFF_BEGINS:
            return "is a TIFF that is damaged or of an unsupported kind; store bands of 8 or 16 bits, or of float32"
        return f"is not an image that can be read; use {', '.join(FORMATS)}"
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"is damaged or truncated ({reason}); copy or export it again"


def bits_per_sample(image: Image.Image, path: Path) -> int:
    """As stored in the file: Pillow gives colour with 8, and fewer than 8 stretched to 8."""
    if image.format == "PNG":
        return _png_header(path)[24]
    return int(np.max(image.tag_v2.get(_BITS_PER_SAMPLE, 1))) if isinstance(image, TiffImageFile) else 8


def _png_header(path: Path) -> bytes:
    """Signature and header chunk; byte 24 is the bit depth, byte 25 the colour type."""
    with open(path, "rb") as file:
        return file.read(26)


def read_deep_colour(image: Image.Image, path: Path) -> np.ndarray:
    """Colour, or grey with alpha, of 16 bits a sample. Args: image: the same with 8, as Pillow gives it."""
    pixels = None
    if image.mode in ("RGB", "RGBA", "RGBX"):
        # These flags drop alpha and turn the image upright.
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
    if pixels is None or pixels.dtype != np.uint16 or pixels.shape != (image.height, image.width, 3):
        raise UsageError(f"{path}: is 16-bit {image.mode}, which cannot be read without loss; export it as 16-bit PNG")
    if image.format == "PNG" and _png_header(path)[25] == _PNG_GREY_ALPHA:
        return np.ascontiguousarray(pixels[..., :1])
    return np.ascontiguousarray(pixels[..., ::-1])  # OpenCV's BGR


def _has_grey_palette(image: Image.Image) -> bool:
    colours = np.reshape(image.getpalette("RGB") or [], (-1, 3))
    return bool((colours == colours[:, :1]).all())


def _as_uint16(values: np.ndarray, path: Path) -> np.ndarray:
    if values.min() < 0 or values.max() > 65535:
        raise UsageError(f"{path}: has grey values outside 0 to 65535, which 16 bits cannot hold; scale the image")
    return values.astype(np.uint16)
