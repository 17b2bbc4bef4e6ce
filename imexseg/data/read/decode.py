"""From a file to the pixels that a decoder gives, upright and whole, or a line that says why not."""

import os
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from imexseg.data.read.bands import LARGEST_IMAGE
from imexseg.data.read.whole import NotWholeError, check_claims, check_pixels
from imexseg.errors import UsageError

Image.MAX_IMAGE_PIXELS = LARGEST_IMAGE // 2  # Pillow refuses beyond twice this number, and warns from it on
# Large images and odd tags are handled. For good, since warnings.catch_warnings is not safe where threads read images.
warnings.filterwarnings("ignore", module=r"PIL\.")
cv2.utils.logging.setLogLevel(
    cv2.utils.logging.LOG_LEVEL_SILENT
)  # what is wrong with a file is said in one line of our own

# Pillow's other readers would cast 16 bits to 8 (PPM, JPEG 2000, AVIF) or start other programs (EPS).
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")
TIFF_BEGINS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BITS_PER_SAMPLE = 258  # the TIFF tag
_PNG_GREY_ALPHA = 4  # the PNG colour type
DEEP_GREY = ("I;16", "I;16B", "I;16L", "I;16N", "I")


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
        raise UsageError(f"{path}: {explanation(path, error)}") from None


def explanation(path: Path, error: Exception) -> str:
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
        if begin in TIFF_BEGINS:
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
