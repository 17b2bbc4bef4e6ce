"""Large images, read piece by piece: where the format allows it, memory use does not depend on the size of the file."""

import mmap
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from imexseg.data.read.as_trained import conversion, extremes, to_channels, trained_dtype
from imexseg.data.read.bands import NODATA, channels_last, nodata_value
from imexseg.data.read.images import decoded_plain_image, read_image_and_void
from imexseg.data.read.segments import Segments, are_small, most_bytes
from imexseg.data.read.void import filled, meaningless
from imexseg.errors import UsageError

IN_MEMORY = 1 << 24  # pixels up to which a file is simply read
_STRIP = 1 << 22  # pixels that are looked at together
_SAMPLES, _SAMPLE = 4, 64  # windows along each side, and their side in pixels, from which a mean is taken


@dataclass(frozen=True)
class ImageSource:
    """An image of which pieces can be had. shape: (H, W, C).  read(rows, columns) → (h, w, C), dtype of the file.

    void(rows, columns) → (h, w) bool, where a piece means nothing, or None if it all means something; None: it always does.
    held: bytes that stay in memory as long as the source does.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype
    read: Callable[[slice, slice], np.ndarray]
    void: Callable[[slice, slice], np.ndarray | None] | None = None
    held: int = 0

    @property
    def n_pixels(self) -> int:
        return self.shape[0] * self.shape[1]


def array_source(image: np.ndarray, void: np.ndarray | None = None) -> ImageSource:
    """Pieces of an image that is in memory. Shapes: (H, W, C), (H, W) bool."""
    return ImageSource(
        image.shape,
        image.dtype,
        lambda rows, columns: image[rows, columns],
        None if void is None else lambda rows, columns: void[rows, columns],
        image.nbytes + (0 if void is None else void.nbytes),
    )


def source_as_trained(
    source: ImageSource, trained: Any, name: str | Path = "image", white: float | None = None
) -> tuple[ImageSource, str | None]:
    """As as_trained, of an image that is read piece by piece: one rule for all pieces, which may be darker than the whole.

    Where the values decide, the image is read once more, strip by strip, for its extremes.
    """
    n_channels = trained.in_channels
    first = to_channels(source.read(slice(0, 1), slice(0, 1)), n_channels, name)
    if first.dtype == np.uint8 == trained_dtype(trained) and white is None:
        lowest, highest = 0.0, 255.0
    else:
        width, rows = source.shape[1], max(1, _STRIP // source.shape[1])
        strips = (
            extremes(
                to_channels(
                    source.read(slice(top, min(top + rows, source.shape[0])), slice(0, width)), n_channels, name
                )
            )
            for top in range(0, source.shape[0], rows)
        )
        lows, highs = zip(*strips, strict=True)
        lowest, highest = min(lows), max(highs)
    convert = conversion(trained, first.dtype, lowest, highest, name, white)

    def read(rows: slice, columns: slice) -> np.ndarray:
        return convert(to_channels(source.read(rows, columns), n_channels, name))

    return replace(source, shape=(*source.shape[:2], n_channels), dtype=convert.dtype, read=read), convert.note


def open_image(path: Path) -> ImageSource:
    """Small images are read as read_image does. Of large ones, TIFF and .npy are read by tiles, strips or memory mapping;
    PNG, JPEG and others must be decoded in full, and stay in memory as 8 bits (grey: 1 byte a pixel, colour: 4).

    Raises: UsageError as read_image; of TIFFs that are read piece by piece also later, when a damaged piece is met.
    """
    try:
        if path.suffix.lower() == ".npy":
            return _mapped_npy(path) or array_source(*read_image_and_void(path))
        if path.suffix.lower() in (".tif", ".tiff"):
            source = _tiff_source(path)
            if source is not None:
                return source
    except UsageError:
        raise
    except Exception:  # whatever is wrong with it, read_image explains it
        return array_source(*read_image_and_void(path))
    image = decoded_plain_image(path, IN_MEMORY)
    return array_source(*read_image_and_void(path)) if image is None else _pillow_source(image)


def _mapped_npy(path: Path) -> ImageSource | None:
    stored = np.load(path, mmap_mode="r", allow_pickle=False)
    if stored.size <= IN_MEMORY or stored.dtype.name not in ("uint8", "uint16", "float32"):
        return None
    image = channels_last(stored)
    return _sound(image.shape, image.dtype, _forgetful(stored, image, image.dtype))


def _pillow_source(image: Image.Image) -> ImageSource:
    n_channels = len(image.getbands())

    def read(rows: slice, columns: slice) -> np.ndarray:
        box = (columns.start, rows.start, columns.stop, rows.stop)
        return np.array(image.crop(box)).reshape(rows.stop - rows.start, columns.stop - columns.start, n_channels)

    held = image.height * image.width * (1 if n_channels == 1 else 4)
    return ImageSource((image.height, image.width, n_channels), np.dtype(np.uint8), read, held=held)


def _tiff_source(path: Path) -> ImageSource | None:
    """None for small ones and for kinds that must be read as a whole (alpha, palettes, turned, many pages)."""
    tiff = tifffile.TiffFile(path)  # stays open as long as the source
    page = tiff.pages.first
    usual = (
        int(page.photometric) in (1, 2) and page.dtype is not None and page.dtype.name in ("uint8", "uint16", "float32")
    )
    turned = page.tags.valueof(274, 1) != 1
    alone = page.samplesperpixel > 1 or len(tiff.pages) == 1 or not (tiff.is_shaped or tiff.is_imagej or tiff.is_ome)
    plain = not [extra for extra in page.extrasamples if extra in (1, 2)]
    if int(page.photometric) == 2 and page.samplesperpixel == 4 and not page.extrasamples:
        plain = False
    if not (usual and alone and plain) or turned or page.imagewidth * page.imagelength <= IN_MEMORY:
        tiff.close()
        return None
    shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
    separate = int(page.planarconfig) == 2 and page.samplesperpixel > 1
    nodata = nodata_value(page.tags.valueof(NODATA))
    if page.is_memmappable:
        stored = tifffile.memmap(path, page=0, mode="r")
        image = np.moveaxis(stored, 0, -1) if separate else stored.reshape(shape)
        kind = image.dtype.newbyteorder("=")
        return _sound(shape, kind, _forgetful(stored, image, kind), nodata)
    if not are_small(page):
        tiff.close()
        return None
    return _sound(shape, np.dtype(str(page.dtype)), Segments(path, page).read, nodata, most_bytes(page))


def _forgetful(stored: np.ndarray, image: np.ndarray, kind: np.dtype) -> Callable[[slice, slice], np.ndarray]:
    """Reads pieces of a file that is mapped into memory, of which nothing stays there. Args: image: a view of stored."""

    def read(rows: slice, columns: slice) -> np.ndarray:
        piece = np.array(image[rows, columns], dtype=kind)
        if isinstance(stored.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            stored.base.madvise(mmap.MADV_DONTNEED)
        return piece

    return read


def _sound(
    shape: tuple[int, int, int],
    dtype: np.dtype,
    read: Callable[[slice, slice], np.ndarray],
    nodata: float | None = None,
    held: int = 0,
) -> ImageSource:
    """A source whose pixels that mean nothing are filled, with one value a channel for all pieces: the mean over a grid of
    samples, since the mean of the whole is not known before all of it is read.
    """
    if dtype.kind != "f" and nodata is None:
        return ImageSource(shape, dtype, read, held=held)
    samples = []
    for row in np.linspace(0, max(0, shape[0] - _SAMPLE), _SAMPLES, dtype=int).tolist():
        for column in np.linspace(0, max(0, shape[1] - _SAMPLE), _SAMPLES, dtype=int).tolist():
            pixels = read(
                slice(row, min(row + _SAMPLE, shape[0])), slice(column, min(column + _SAMPLE, shape[1]))
            ).reshape(-1, 1, shape[2])
            void = meaningless(pixels, nodata)
            samples.append(pixels if void is None else pixels[~void][:, None])
    # One pixel more, which means nothing, is what `filled` gives the mean of the others.
    known = np.concatenate([*samples, np.zeros((1, 1, shape[2]), dtype)])
    fill = filled(known, np.arange(len(known))[:, None] == len(known) - 1)[-1, 0]

    def void_of(rows: slice, columns: slice) -> np.ndarray | None:
        return meaningless(read(rows, columns), nodata)

    def read_filled(rows: slice, columns: slice) -> np.ndarray:
        pixels = read(rows, columns)
        void = meaningless(pixels, nodata)
        if void is not None:
            pixels[void] = fill
        return pixels

    return ImageSource(shape, dtype, read_filled, void_of, held)
