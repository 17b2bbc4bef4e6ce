"""Masks of any size, written strip by strip: PNG, or tiled TIFF where a PNG would have to be opened whole."""

import contextlib
import io
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from imexseg.data.description.labels import IGNORE
from imexseg.data.read.bands import NODATA
from imexseg.data.read.georeference import ExtraTag

TIFF_TILE = 256  # pixels
TIFF_FROM = 100_000_000  # pixels from which a mask is a tiled TIFF


def needs_tiff(n_pixels: int) -> bool:
    """Whether a PNG, which must be opened whole, will not do."""
    return n_pixels >= TIFF_FROM


def ignored_value(values: Sequence[int]) -> int:
    """What stands in a mask where the image means nothing: 255, or the largest number that stands for no class."""
    return next(number for number in range(IGNORE, -1, -1) if number not in values)


def in_values(classes: np.ndarray, values: Sequence[int]) -> np.ndarray:
    """Class numbers as the numbers that stand for them in masks, 255 as the ignored value.

    Shapes: (H, W) → (H, W) uint8; values: one a class.
    """
    table = np.full(IGNORE + 1, ignored_value(values), dtype=np.uint8)
    table[: len(values)] = values
    return table[classes]


def values_in_words(names: Sequence[str], values: Sequence[int], shown: int = 12) -> str | None:
    """Which number is which class, where that is not simply their order."""
    if list(values) == list(range(len(values))):
        return None
    some = [f"{value} {name}" for value, name in zip(values, names, strict=True)][:shown]
    return "numbers in the masks: " + ", ".join([*some, *(["..."] if len(values) > shown else [])])


def ignored_in_words(voids: Sequence[int], names: Sequence[str], values: Sequence[int]) -> str:
    """What became of pixels that mean nothing. Args: voids: how many, of each image that has any."""
    number = ignored_value(values)
    taken = "" if number == IGNORE else f", since 255 stands for {names[list(values).index(IGNORE)]!r}"
    images = "1 image holds" if len(voids) == 1 else f"{len(voids)} images hold"
    return f"{images} {sum(voids)} pixels without a value (nodata, NaN or transparent): {number}, ignored, in the masks{taken}"


def write_mask(
    strips: Iterable[np.ndarray],
    height: int,
    width: int,
    png: Path | None = None,
    tiff: Path | None = None,
    georeference: Sequence[ExtraTag] = (),
    nodata: int | None = None,
) -> None:
    """Write numbers as they come, to one file or to both.

    Shapes: strips (rows, width) uint8, rows of all adding up to the height.
    Args: georeference: tags for the TIFF.  nodata: its value that stands for no class, if it has any such pixel.
    Raises: OSError if it cannot be written.
    """
    with contextlib.ExitStack() as stack:
        if png is not None:
            strips = _through_png(stack.enter_context(open(png, "wb")), strips, height, width)
        if tiff is not None:
            _write_tiff(tiff, strips, height, width, georeference, nodata)
        for _ in strips:
            pass


def tiff_bytes(mask: np.ndarray, georeference: Sequence[ExtraTag], nodata: int | None) -> bytes:
    """A mask as a TIFF in memory. Shapes: (H, W) uint8. Args: as write_mask."""
    buffer = io.BytesIO()
    _write_tiff(buffer, [mask], mask.shape[0], mask.shape[1], georeference, nodata)
    return buffer.getvalue()


def _write_tiff(
    file: Path | BinaryIO,
    strips: Iterable[np.ndarray],
    height: int,
    width: int,
    georeference: Sequence[ExtraTag],
    nodata: int | None,
) -> None:
    import tifffile  # takes a fifth of a second: few need it

    tags = [*georeference, *([(NODATA, "s", 0, str(nodata), True)] if nodata is not None else [])]
    with tifffile.TiffWriter(file, bigtiff=needs_tiff(height * width)) as writer:
        writer.write(
            _tiles(strips, width),
            shape=(height, width),
            dtype=np.uint8,
            tile=(TIFF_TILE, TIFF_TILE),
            compression="zlib",
            photometric="minisblack",
            metadata=None,
            extratags=tags,
        )


def _through_png(file: BinaryIO, strips: Iterable[np.ndarray], height: int, width: int) -> Iterator[np.ndarray]:
    """Write a PNG while the strips go on to whoever asked for them.

    Eight bits of grey, every row as it is (filter 0): masks are flat, and deflate alone makes them small.
    """
    file.write(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)))
    packer = zlib.compressobj(6)
    for strip in strips:
        rows = np.zeros((strip.shape[0], width + 1), dtype=np.uint8)
        rows[:, 1:] = strip
        packed = packer.compress(rows.tobytes())
        if packed:
            file.write(_chunk(b"IDAT", packed))
        yield strip
    file.write(_chunk(b"IDAT", packer.flush()) + _chunk(b"IEND", b""))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _tiles(strips: Iterable[np.ndarray], width: int) -> Iterator[np.ndarray]:
    """Strips of any heights as square tiles, row by row; those at the edges are filled up with 0."""
    waiting = np.empty((0, width), dtype=np.uint8)
    for strip in strips:
        waiting = np.concatenate([waiting, strip])
        while len(waiting) >= TIFF_TILE:
            yield from _row_of_tiles(waiting[:TIFF_TILE])
            waiting = waiting[TIFF_TILE:]
    if len(waiting):
        yield from _row_of_tiles(waiting)


def _row_of_tiles(rows: np.ndarray) -> Iterator[np.ndarray]:
    for left in range(0, rows.shape[1], TIFF_TILE):
        tile = np.zeros((TIFF_TILE, TIFF_TILE), dtype=np.uint8)
        part = rows[:, left : left + TIFF_TILE]
        tile[: part.shape[0], : part.shape[1]] = part
        yield tile
