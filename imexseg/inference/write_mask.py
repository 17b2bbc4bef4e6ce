"""Masks of any size, written strip by strip: PNG, or tiled TIFF where a PNG would have to be opened whole."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import tifffile

TIFF_TILE = 256  # pixels
TIFF_FROM = 100_000_000  # pixels from which a mask is a tiled TIFF


def mask_suffix(n_pixels: int) -> str:
    """.png, or .tif from 100 megapixels on."""
    return ".tif" if n_pixels >= TIFF_FROM else ".png"


def write_mask(path: Path, suffix: str, strips: Iterable[np.ndarray], height: int, width: int) -> None:
    """Write class numbers as they come. Shapes: strips (rows, width) uint8, rows of all adding up to the height.

    Raises: OSError if it cannot be written.
    """
    if suffix == ".tif":
        tiles = _tiles(strips, width)
        with tifffile.TiffWriter(path, bigtiff=True) as tiff:
            side = TIFF_TILE
            tiff.write(
                tiles, shape=(height, width), dtype=np.uint8, tile=(side, side), compression="zlib", metadata=None
            )
        return
    with open(path, "wb") as file:
        _write_png(file, strips, height, width)


def _write_png(file: BinaryIO, strips: Iterable[np.ndarray], height: int, width: int) -> None:
    """Eight bits of grey, every row as it is (filter 0): masks are flat, and deflate alone makes them small."""
    file.write(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)))
    packer = zlib.compressobj(6)
    for strip in strips:
        rows = np.zeros((strip.shape[0], width + 1), dtype=np.uint8)
        rows[:, 1:] = strip
        packed = packer.compress(rows.tobytes())
        if packed:
            file.write(_chunk(b"IDAT", packed))
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
