"""Images that Pillow cannot read losslessly: TIFF with many bands, deep colour or floats; .npy arrays.

Which axis holds the channels: in a TIFF its tags say it (SamplesPerPixel, PlanarConfiguration). Where a file holds several
pages of one sample, or an array of three axes, the channels are the shorter one of the first and the last axis.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from imexseg.data.read.whole import check_tiff_pixels

if TYPE_CHECKING:
    import tifffile  # takes a fifth of a second: other formats do without

LARGEST_IMAGE = 20_000 * 20_000  # pixels; a file that claims more is taken for an attack on the memory
DTYPES = ("uint8", "uint16", "float32")
NODATA = 42113  # the TIFF tag of GDAL
_ALPHA = (1, 2)  # ExtraSamples: associated and unassociated alpha
logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what is wrong is raised, or checked here


class UnreadableError(ValueError):
    """What a file holds that is not read, and the remedy."""


def read_npy(path: Path) -> np.ndarray:
    """(H, W), (H, W, C) or (C, H, W) of uint8, uint16 or float32 → (H, W, C). Nothing is unpickled.

    Raises: UnreadableError; ValueError or OSError for a damaged file.
    """
    stored = np.load(path, mmap_mode="r", allow_pickle=False)  # mapped: the header alone must not fill the memory
    if not isinstance(stored, np.ndarray):
        raise UnreadableError("is an archive of arrays; store one array as .npy")
    return np.ascontiguousarray(channels_last(_checked(stored)))


def read_tiff(path: Path) -> tuple[np.ndarray, np.ndarray | None, float | None]:
    """Returns: (H, W, C) uint8, uint16 or float32, all bands but alpha; where alpha is 0, (H, W) bool, if there is alpha; and the
    value that GDAL's tag calls nodata, if there is one.

    Raises: UnreadableError for kinds that are not read; whatever the decoder raises for damaged files.
    """
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        _check_kind(page)
        if page.samplesperpixel == 1 and len(tiff.pages) > 1 and _pages_are_one_image(tiff):
            series = tiff.series[0]
            if series.ndim != 3:
                raise UnreadableError(f"has the axes {series.axes}; store one image with bands")
            _check_size(series.size, series.dtype)
            stack = np.ascontiguousarray(channels_last(_checked(series.asarray(maxworkers=1))))
            return stack, None, nodata_value(page.tags.valueof(NODATA))
        _check_size(page.imagewidth * page.imagelength * page.samplesperpixel, page.dtype)
        check_tiff_pixels(page)
        try:
            pixels = page.asarray(maxworkers=1)
        except Exception as error:
            if "imagecodecs" not in str(error) and not isinstance(error, ImportError):
                raise
            raise UnreadableError(
                f"is compressed with {tifffile.COMPRESSION(page.compression).name}, which needs the package imagecodecs "
                "(the extra `formats`); or store it with deflate or uncompressed"
            ) from None
        if page.samplesperpixel > 1 and int(page.planarconfig) == 2:
            pixels = np.moveaxis(pixels, 0, -1)
        bands, transparent = _without_alpha(np.atleast_3d(_checked(pixels)), page)
        return np.ascontiguousarray(bands), transparent, nodata_value(page.tags.valueof(NODATA))


def is_plain_tiff(file: BinaryIO) -> bool:
    """Whether Pillow, or OpenCV for deep colour, reads all of the first page: grey or colour, with or without alpha."""
    import tifffile

    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        samples, extras = page.samplesperpixel, list(page.extrasamples)
        if samples == 1:
            return not (len(tiff.pages) > 1 and _pages_are_one_image(tiff)) and page.bitspersample < 64
        colours = samples - sum(extra in _ALPHA for extra in extras)
        kind = int(page.photometric)
        ordinary = (
            colours == {0: 1, 1: 1, 2: 3}.get(kind)
            or kind in (3, 5, 6)  # palette, CMYK, YCbCr
            or (kind == 2 and samples == 4 and not extras)  # OpenCV writes RGBA without the tag
        )
        scrambled = page.bitspersample > 8 and int(page.planarconfig) == 2  # by OpenCV, which takes planes for pixels
        fits = samples <= 4 and page.bitspersample <= 16 and int(page.sampleformat or 1) in (1, 4)
        return ordinary and fits and not scrambled


def channels_last(array: np.ndarray) -> np.ndarray:
    """(H, W) → (H, W, 1); of three axes the shorter one of the first and the last is taken for the channels.

    Raises: UnreadableError if they are equally long, or if there are not two or three axes.
    """
    if array.ndim == 2:
        return array[..., None]
    if array.ndim != 3:
        raise UnreadableError(f"has {array.ndim} axes; store height, width and bands")
    if array.shape[0] == array.shape[2]:
        raise UnreadableError(
            f"has the shape {array.shape}, so height or bands may come first; store bands in the tags"
        )
    return np.moveaxis(array, 0, -1) if array.shape[0] < array.shape[2] else array


def _checked(array: np.ndarray) -> np.ndarray:
    if array.dtype.newbyteorder("=") not in [np.dtype(name) for name in DTYPES]:
        raise UnreadableError(f"is of {array.dtype}, which would have to be cast; store it as {', '.join(DTYPES)}")
    _check_size(array.size, array.dtype)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _check_size(n_values: int, dtype: np.dtype | None) -> None:
    if n_values == 0:
        raise UnreadableError("has no pixels; export it again")
    if n_values > 4 * LARGEST_IMAGE:
        raise UnreadableError(f"claims {n_values} values; cut it into smaller images")


def _check_kind(page: "tifffile.TiffPage") -> None:
    """Raises: UnreadableError for what cannot be read without loss."""
    if page.dtype is None or page.dtype.name not in DTYPES:
        raise UnreadableError(
            f"is of {page.dtype or f'{page.bitspersample} bits a sample'}, which would have to be cast; "
            f"store it as {', '.join(DTYPES)}"
        )
    if int(page.photometric) not in (1, 2):
        import tifffile

        raise UnreadableError(
            f"is {page.bitspersample}-bit {tifffile.PHOTOMETRIC(page.photometric).name}, which cannot be read without loss; "
            "export it as RGB or as bands (MINISBLACK)"
        )


def _pages_are_one_image(tiff: "tifffile.TiffFile") -> bool:
    """Whether the file's own metadata says that its pages are bands, or might be, of one array."""
    return bool(tiff.is_shaped or tiff.is_imagej or tiff.is_ome) and len(tiff.series) == 1


def nodata_value(tag: Any) -> float | None:
    """What GDAL's tag says, a number as text ("-9999", "nan"); None if it says nothing that is a number."""
    try:
        return float(str(tag).strip().strip("\0")) if tag is not None else None
    except ValueError:
        return None


def _without_alpha(pixels: np.ndarray, page: "tifffile.TiffPage") -> tuple[np.ndarray, np.ndarray | None]:
    """Leave out the extra samples that the tags call alpha; those of no stated meaning are bands. Second: where alpha is 0."""
    n_bands = pixels.shape[2]
    extras = [0] * (n_bands - len(page.extrasamples)) + [int(extra) for extra in page.extrasamples]
    kept = [band for band in range(n_bands) if extras[band] not in _ALPHA]
    if len(kept) == n_bands:
        return pixels, None
    alpha = [band for band in range(n_bands) if extras[band] in _ALPHA]
    return pixels[..., kept], (pixels[..., alpha] == 0).any(axis=2)
