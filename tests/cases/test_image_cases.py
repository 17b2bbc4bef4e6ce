"""Images as cameras, microscopes, scanners and mapping programs write them: what should be read of each, or why it is refused.

Kinds: 7 a scale guessed from the type of number, 8 values that mean nothing, 9 files that are not what they claim. Expected
values are those that were put into the file, by numpy alone.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from PIL import Image

from imexseg.data.read.as_trained import as_trained
from imexseg.data.read.images import read_image_and_void
from imexseg.errors import UsageError

RANDOM = np.random.default_rng(3)
GREY = RANDOM.integers(1, 250, (18, 26)).astype(np.uint8)
COLOUR = RANDOM.integers(1, 250, (18, 26, 3)).astype(np.uint8)
HOLE = np.zeros((18, 26), bool)
HOLE[2:6, 3:20] = True
REFLECTANCE = RANDOM.uniform(0.05, 0.4, (18, 26, 4)).astype(np.float32)
PHOTOGRAPHS = SimpleNamespace(in_channels=1, full_scale=255.0, pixel_range=None)  # weights trained on 8 bits of grey


@dataclass(frozen=True)
class Read:
    """values: (H, W, C), those in the hole excepted.  void: where they mean nothing."""

    values: np.ndarray
    void: np.ndarray | None = None


@dataclass(frozen=True)
class Converted:
    """As a network for 8 bits of grey sees it. Shapes: (H, W)."""

    values: np.ndarray
    white: float | None = None


@dataclass(frozen=True)
class Refused:
    because: str
    white: float | None = None


def pil(pixels: np.ndarray, kind: str, mode: str | None = None, **options) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(pixels: np.ndarray, nodata: str | None = None, **options) -> bytes:
    buffer = io.BytesIO()
    tags = [(42113, "s", 0, nodata, True)] if nodata is not None else []
    options = {"photometric": "minisblack", "metadata": None} | options
    tifffile.imwrite(buffer, pixels, extratags=tags, **options)
    return buffer.getvalue()


def npy(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, pixels)
    return buffer.getvalue()


def holed(pixels: np.ndarray, value: float) -> np.ndarray:
    result = pixels.copy()
    result[HOLE] = value
    return result


def with_alpha(pixels: np.ndarray, hole: int = 0, elsewhere: int = 255) -> np.ndarray:
    return np.dstack([pixels, np.where(HOLE, hole, elsewhere).astype(pixels.dtype)])


def bands(pixels: np.ndarray, nodata: str | None = None) -> bytes:
    return tiff(pixels, nodata, planarconfig="contig")


TWELVE = GREY.astype(np.uint16) * 16
ROUNDED = (2 * TWELVE.astype(np.int64) * 255 + 4095) // (2 * 4095)
LOWEST = np.finfo(np.float32).min
PNG = pil(COLOUR, "PNG")

ROWS: dict[str, tuple[int, str, Callable[[], bytes], Read | Converted | Refused]] = {
    "drone orthophoto, transparent border": (8, "png", lambda: pil(with_alpha(COLOUR), "PNG"), Read(COLOUR, HOLE)),
    "half-transparent glow, nowhere clear": (8, "png", lambda: pil(with_alpha(COLOUR, 1), "PNG"), Read(COLOUR)),
    "transparent all over": (
        8,
        "png",
        lambda: pil(with_alpha(COLOUR, 0, 0), "PNG"),
        Refused("every pixel is transparent"),
    ),
    "grey with a transparent grey": (
        8,
        "png",
        lambda: pil(holed(GREY, 255), "PNG", transparency=255),
        Read(GREY[..., None], HOLE),
    ),
    "WebP with alpha": (
        8,
        "webp",
        lambda: pil(with_alpha(COLOUR), "WEBP", lossless=True, exact=True),
        Read(COLOUR, HOLE),
    ),
    "RGBA TIFF": (
        8,
        "tif",
        lambda: tiff(with_alpha(COLOUR), photometric="rgb", extrasamples=["unassalpha"]),
        Read(COLOUR, HOLE),
    ),
    "Sentinel bands, nodata -3.4e38": (
        8,
        "tif",
        lambda: bands(holed(REFLECTANCE, LOWEST), "-3.4028234663852886e+38"),
        Read(REFLECTANCE, HOLE),
    ),
    "the same without the tag": (8, "tif", lambda: bands(holed(REFLECTANCE, LOWEST)), Read(REFLECTANCE, HOLE)),
    "nodata -9999 in floats": (8, "tif", lambda: bands(holed(REFLECTANCE, -9999), "-9999"), Read(REFLECTANCE, HOLE)),
    "nodata nan": (8, "tif", lambda: bands(holed(REFLECTANCE, np.nan), "nan"), Read(REFLECTANCE, HOLE)),
    "thermal image with NaN": (
        8,
        "tif",
        lambda: tiff(holed(REFLECTANCE[..., 0], np.nan)),
        Read(REFLECTANCE[..., :1], HOLE),
    ),
    "infinite in an array": (8, "npy", lambda: npy(holed(REFLECTANCE, np.inf)), Read(REFLECTANCE, HOLE)),
    "1e30 of a climate model": (8, "npy", lambda: npy(holed(REFLECTANCE, 1e30)), Read(REFLECTANCE, HOLE)),
    "elevation in 16 bits, nodata 0": (8, "tif", lambda: tiff(holed(TWELVE, 0), "0"), Read(TWELVE[..., None], HOLE)),
    "orthophoto, nodata 0, a black channel": (
        8,
        "tif",
        lambda: tiff(holed(COLOUR * np.uint8([1, 0, 1]), 0), "0", photometric="rgb"),
        Read(COLOUR * np.uint8([1, 0, 1]), HOLE),
    ),
    "nodata that is no value of the type": (8, "tif", lambda: tiff(GREY, "-9999"), Read(GREY[..., None])),
    "nothing but nodata": (8, "tif", lambda: bands(np.full_like(REFLECTANCE, np.nan)), Refused("every pixel is")),
    "microscope, 12 bits in 16": (7, "tif", lambda: tiff(TWELVE), Refused("--white 4095")),
    "12 bits in 16, white said": (7, "tif", lambda: tiff(TWELVE), Converted(ROUNDED, 4095)),
    "the same, as PNG": (7, "png", lambda: pil(TWELVE, "PNG"), Refused("like a 12-bit image")),
    "10 bits in 16": (7, "png", lambda: pil(GREY.astype(np.uint16) * 4, "PNG"), Refused("--white 1023")),
    "16 bits in full": (7, "png", lambda: pil(GREY.astype(np.uint16) * 257, "PNG"), Converted(GREY)),
    "floats of 0 to 1": (7, "tif", lambda: tiff((GREY / 255).astype(np.float32)), Converted(GREY)),
    "floats of 0 to 255": (7, "tif", lambda: tiff(GREY.astype(np.float32)), Refused("--white 255")),
    "floats of 0 to 255, white said": (7, "tif", lambda: tiff(GREY.astype(np.float32)), Converted(GREY, 255)),
    "floats of -1 to 1": (7, "npy", lambda: npy((GREY / 127.5 - 1).astype(np.float32)), Refused("not 0 to 1")),
    "brighter than white": (7, "npy", lambda: npy(GREY.astype(np.float32) + 9), Refused("does not fit", 250)),
    "a JPEG called .png": (
        9,
        "png",
        lambda: pil(np.full((18, 26), 77, np.uint8), "JPEG"),
        Read(np.full((18, 26, 1), 77)),
    ),
    "copied half": (9, "png", lambda: PNG[: len(PNG) // 2], Refused("is truncated")),
    "a bit flipped": (9, "png", lambda: PNG[:500] + bytes([PNG[500] ^ 1]) + PNG[501:], Refused("wrong checksum")),
    "a web page in place of an image": (
        9,
        "jpg",
        lambda: b"<!DOCTYPE html><html>404</html>",
        Refused("is not an image"),
    ),
    "HEIC called .jpg": (9, "jpg", lambda: b"\0\0\0\x24ftypheic" + bytes(99), Refused("is not an image")),
    "nothing": (9, "jpg", lambda: b"", Refused("is empty")),
}


@pytest.mark.parametrize("name", ROWS)
def test_images(name: str, tmp_path: Path):
    _, suffix, make, expected = ROWS[name]
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(make())
    if isinstance(expected, Refused):
        with pytest.raises(UsageError) as refused:
            as_trained(read_image_and_void(path)[0], PHOTOGRAPHS, path, expected.white)
        assert str(refused.value).startswith(f"{path}: ")
        assert expected.because in str(refused.value)
        return
    pixels, void = read_image_and_void(path)
    if isinstance(expected, Converted):
        np.testing.assert_array_equal(as_trained(pixels, PHOTOGRAPHS, path, expected.white)[0][..., 0], expected.values)
        return
    assert pixels.dtype == expected.values.dtype or expected.values.dtype == np.int64
    sound = np.ones(pixels.shape[:2], bool) if expected.void is None else ~expected.void
    np.testing.assert_array_equal(pixels[sound], expected.values[sound])
    assert (void is None) == (expected.void is None)
    if void is not None:
        np.testing.assert_array_equal(void, expected.void)
        means = expected.values[sound].astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(pixels[void], np.broadcast_to(means, pixels[void].shape), rtol=1e-6, atol=0.5)
