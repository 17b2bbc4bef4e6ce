"""A compressed TIFF by the pieces that it is stored in, its segments: tiles or strips."""

import math
from pathlib import Path

import numpy as np
import tifffile

from imexseg.errors import UsageError

CACHED_BYTES = 1 << 28  # of decoded segments that are kept, at most
CACHED_ROWS = 4096  # of the image, that are kept: two rows of large tiles need some segments twice


def most_bytes(page: tifffile.TiffPage) -> int:
    """Of decoded segments that are kept."""
    row = page.imagewidth * page.samplesperpixel * np.dtype(str(page.dtype)).itemsize
    return min(CACHED_BYTES, row * min(CACHED_ROWS, page.imagelength))


def are_small(page: tifffile.TiffPage) -> bool:
    """Whether one segment can be held."""
    return (math.prod(page.chunks[-2:]) if len(page.chunks) > 1 else page.imagewidth) * 4 <= CACHED_BYTES


class Segments:
    """Reads windows of it. Segments are decoded when needed; those used last are kept."""

    def __init__(self, path: Path, page: tifffile.TiffPage):
        self.path = path
        self.page = page
        self.shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
        self.height = page.tilelength if page.is_tiled else min(page.rowsperstrip, page.imagelength)
        self.width = page.tilewidth if page.is_tiled else page.imagewidth
        self.per_row = -(-page.imagewidth // self.width)
        self.rows_of_segments = -(-page.imagelength // self.height)
        self.planes = page.samplesperpixel if int(page.planarconfig) == 2 else 1
        self.most_bytes = most_bytes(page)
        self._kept: dict[int, np.ndarray] = {}
        self._kept_bytes = 0

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """Shapes: → (rows, columns, samples). Raises: UsageError if a segment cannot be decoded."""
        out = np.empty((rows.stop - rows.start, columns.stop - columns.start, self.shape[2]), self.page.dtype)
        for down in range(rows.start // self.height, -(-rows.stop // self.height)):
            for across in range(columns.start // self.width, -(-columns.stop // self.width)):
                for plane in range(self.planes):
                    number = (plane * self.rows_of_segments + down) * self.per_row + across
                    segment = self._segment(number)
                    top, left = down * self.height, across * self.width
                    y = slice(max(rows.start, top), min(rows.stop, top + segment.shape[0]))
                    x = slice(max(columns.start, left), min(columns.stop, left + segment.shape[1]))
                    bands = slice(plane, plane + 1) if self.planes > 1 else slice(None)
                    target = out[
                        y.start - rows.start : y.stop - rows.start, x.start - columns.start : x.stop - columns.start
                    ]
                    target[..., bands] = segment[y.start - top : y.stop - top, x.start - left : x.stop - left]
        return out

    def _segment(self, number: int) -> np.ndarray:
        if number in self._kept:
            self._kept[number] = self._kept.pop(number)  # the one used last is thrown away last
            return self._kept[number]
        try:
            handle = self.page.parent.filehandle
            handle.seek(self.page.dataoffsets[number])
            encoded = handle.read(self.page.databytecounts[number])
            decoded, _, shape = self.page.decode(encoded, number)
            segment = np.asarray(decoded)[0, : shape[1], : shape[2]]
        except Exception as error:  # decoders raise whatever they stumble over
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UsageError(f"{self.path}: piece {number} is damaged or of an unsupported kind ({reason})") from None
        while self._kept and self._kept_bytes + segment.nbytes > self.most_bytes:
            self._kept_bytes -= self._kept.pop(next(iter(self._kept))).nbytes
        self._kept[number] = segment
        self._kept_bytes += segment.nbytes
        return segment
