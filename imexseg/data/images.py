"""Images and masks from files of any kind, with nothing silently cast."""

import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from imexseg.data.schema import IGNORE
from imexseg.errors import UsageError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif"})
LARGEST_IMAGE = 20_000 * 20_000  # pixels; a file that claims more is taken for an attack on the memory
Image.MAX_IMAGE_PIXELS = LARGEST_IMAGE // 2  # Pillow refuses beyond twice this number, and warns from it on

_DEEP_MODES = ("I;16", "I;16B", "I;16L", "I;16N")
_BITS_PER_SAMPLE = 258  # the TIFF tag


def full_scale(dtype: np.dtype) -> float:
    """The pixel value that stands for white: 255 for uint8, 65535 for uint16, 1 for floating point."""
    return float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0


def read_image(path: Path) -> np.ndarray:
    """Read an image upright (EXIF), palettes expanded, alpha dropped, first frame only.

    Returns: (H, W, C) uint8, uint16 or float32, C = 1 or 3.
    Raises: UsageError naming the file and the remedy if it cannot be read as an image.
    """
    with _opened(path) as image:
        if _is_deep_colour(image, path):
            return _read_deep_colour(path)
        image = ImageOps.exif_transpose(image)
        mode = image.mode
        if mode == "P":
            colours = np.array(image.convert("RGB"))
            grey = (colours == colours[..., :1]).all()
            pixels = colours[..., :1] if grey else colours
        elif mode in ("1", "L", "LA", "La"):
            pixels = np.array(image.convert("L"))
        elif mode in _DEEP_MODES or mode == "I":
            pixels = _as_uint16(np.array(image), path)
        elif mode == "F":
            pixels = np.array(image, dtype=np.float32)
        else:
            pixels = np.array(image.convert("RGB"))
    return np.atleast_3d(pixels)


def read_mask(path: Path) -> np.ndarray:
    """Read class numbers: one channel, 255 = ignore; of a palette PNG the indices, not the colours.

    Returns: (H, W) uint8.
    Raises: UsageError naming the file and the remedy for colours, for values above 255, and if it cannot be read.
    """
    with _opened(path) as image:
        if image.mode not in ("1", "L", "P", "I", *_DEEP_MODES):
            raise UsageError(
                f"{path}: a mask must have one channel of class numbers, this one is {image.mode}; "
                "write the number of its class for each colour, as an 8-bit PNG"
            )
        values = np.array(image)
    if values.max(initial=0) > IGNORE or values.min(initial=0) < 0:
        raise UsageError(f"{path}: mask values must be 0 to 255, found {values.min()} to {values.max()}")
    return values.astype(np.uint8)


def to_channels(image: np.ndarray, channels: int, path: Path) -> np.ndarray:
    """Bring (H, W, C) to (H, W, channels): grey is repeated, colour becomes luma (ITU-R 601), dtype kept.

    Raises: UsageError naming found and expected numbers if neither applies.
    """
    found = image.shape[2]
    if found == channels:
        return image
    if found == 1 and channels == 3:
        return np.repeat(image, 3, axis=2)
    if found == 3 and channels == 1:
        luma = image @ np.array([0.299, 0.587, 0.114], dtype=np.float64 if image.dtype == np.uint16 else np.float32)
        if np.issubdtype(image.dtype, np.integer):
            luma = luma.round()
        return luma.astype(image.dtype)[..., None]
    raise UsageError(f"{path}: has {found} channels, the network takes {channels}; convert the image")


class _opened:
    """A fully decoded PIL image as a context; every way in which that can fail is a UsageError naming the file."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self) -> Image.Image:
        path = self.path
        if path.is_dir():
            raise UsageError(f"{path}: is a folder, expected an image file")
        try:
            if path.stat().st_size == 0:
                raise UsageError(f"{path}: is empty (0 bytes); replace it by the image it should be")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # large images and odd tags are handled, not worth a warning
                self.image = Image.open(path)
                self.image.load()
        except FileNotFoundError:
            raise UsageError(f"{path}: no such file") from None
        except PermissionError:
            raise UsageError(f"{path}: may not be read; change its permissions") from None
        except UnidentifiedImageError:
            raise UsageError(f"{path}: is not an image that can be read; use PNG, JPEG, TIFF, BMP or WebP") from None
        except Image.DecompressionBombError:
            raise UsageError(f"{path}: claims more than {LARGEST_IMAGE} pixels; cut it into smaller images") from None
        except (OSError, ValueError, SyntaxError, EOFError, IndexError) as error:  # what Pillow's decoders raise
            raise UsageError(f"{path}: is damaged or truncated ({error}); copy or export it again") from None
        return self.image

    def __exit__(self, *exception) -> None:
        self.image.close()


def _is_deep_colour(image: Image.Image, path: Path) -> bool:
    """Whether the file has 16 bits a sample where Pillow would give 8: colour, or grey with alpha."""
    if image.mode not in ("RGB", "RGBA", "LA"):
        return False
    if image.format == "PNG":
        with open(path, "rb") as file:  # the bit depth stands at byte 24, in the header chunk
            return file.read(25)[24] == 16
    bits = image.getexif().get(_BITS_PER_SAMPLE, 8) if image.format == "TIFF" else 8
    return max(bits if isinstance(bits, tuple) else (bits,)) > 8


def _read_deep_colour(path: Path) -> np.ndarray:
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise UsageError(f"{path}: a bit depth that cannot be read without loss; export it as 16-bit PNG")
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        pixels = pixels[..., 2::-1]  # OpenCV's BGR(A)
        if (pixels == pixels[..., :1]).all():  # grey with alpha comes as colour
            pixels = pixels[..., :1]
    return np.atleast_3d(np.ascontiguousarray(pixels))


def _as_uint16(values: np.ndarray, path: Path) -> np.ndarray:
    if values.min(initial=0) < 0 or values.max(initial=0) > 65535:
        raise UsageError(f"{path}: grey values {values.min()} to {values.max()} do not fit 16 bits; scale the image")
    return values.astype(np.uint16)
