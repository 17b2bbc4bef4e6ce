"""Whether an image file holds everything that it claims. Decoders silently fill in what is missing with black or grey.

What is checked costs little where nothing is wrong: checksums, sizes, and a second look only at images that end as an image would
whose data end early.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import tifffile  # takes a fifth of a second: other formats do without

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type ↦ samples a pixel
_ADAM7 = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)  # y, x, Δy, Δx
_DEFLATE = 1032  # deflate makes no more of one byte
_PIXELS_A_BYTE = {"BMP": 300, "GIF": 3000, "TIFF": 5000, "WEBP": 2000}  # generously, what their compressions can hold
_SUSPICIOUS = 1 << 24  # pixels from which on that is asked
_FAX = (2, 3, 4)  # TIFF compressions that make a blank row of any length a few bits
_RAW, _ZIP = (1,), (8, 32946)  # TIFF compressions
_PIECE = 1 << 20  # bytes that are unpacked at once, and forgotten


class NotWholeError(ValueError):
    """What is missing, and the remedy."""


def check_claims(image: Image.Image, path: Path) -> None:
    """Before any memory is asked for. Args: image: opened, not loaded. Raises: NotWholeError."""
    n_bytes = path.stat().st_size
    if image.format == "PNG":
        _check_png(path)
        return
    limit = _PIXELS_A_BYTE.get(image.format or "")
    if limit is None or image.width * image.height < max(_SUSPICIOUS, limit * n_bytes):
        return
    if image.format == "TIFF" and image.tag_v2.get(259) in _FAX:  # type: ignore[attr-defined]
        return
    raise NotWholeError(_claim(image.width, image.height, n_bytes))


def check_pixels(image: Image.Image, path: Path) -> None:
    """After decoding. Args: image: loaded, not turned. Raises: NotWholeError."""
    if image.mode == "P" and image.palette is None:
        raise NotWholeError("is damaged (its palette is missing); copy or export it again")
    if image.format == "PNG":
        blank_end = not np.asarray(image.crop((0, image.height - 1, image.width, image.height))).any()
        if blank_end or image.info.get("interlace"):
            _check_png_pixels(path)
    elif image.format == "JPEG":
        corner = np.asarray(image.crop((max(0, image.width - 4), max(0, image.height - 4), image.width, image.height)))
        if image.info.get("progressive") or (corner == corner[-1, -1]).all():
            _check_jpeg_pixels(image, path.read_bytes())


def check_tiff_pixels(page: "tifffile.TiffPage") -> None:
    """Every strip or tile must unpack to all of its pixels: what is missing would be read as 0. Raises: NotWholeError."""
    assert page.dtype is not None
    n_bytes = page.parent.filehandle.size
    ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if not ends or max(ends) > n_bytes or min(page.databytecounts) == 0:
        raise NotWholeError("is damaged or truncated (pixels are missing); copy or export it again")
    values = page.imagewidth * page.imagelength * page.samplesperpixel
    if page.compression not in _FAX and values > max(_SUSPICIOUS, _PIXELS_A_BYTE["TIFF"] * n_bytes):
        raise NotWholeError(_claim(page.imagewidth, page.imagelength, n_bytes))
    if page.compression not in (*_RAW, *_ZIP):
        return
    samples = page.samplesperpixel if int(page.planarconfig) == 1 else 1
    segments = len(ends) // (page.samplesperpixel // samples)
    for number, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        if page.is_tiled:
            rows, width = page.tilelength, page.tilewidth
        else:
            done = number % segments * page.rowsperstrip
            rows, width = min(page.rowsperstrip, page.imagelength - done), page.imagewidth
        wanted = rows * ((width * samples * page.bitspersample + 7) // 8)
        found = count
        if page.compression in _ZIP:
            page.parent.filehandle.seek(offset)
            found = _unpacked([page.parent.filehandle.read(count)], wanted)
        if found < wanted:
            raise NotWholeError(f"ends early: piece {number} has {found} of {wanted} bytes; copy or export it again")


def _claim(width: int, height: int, n_bytes: int) -> str:
    return f"claims {width} x {height} px in {n_bytes} bytes, which cannot hold them; copy or export it again"


def _check_png(path: Path) -> None:
    """Checksums, an end, and as many bytes as the claimed size needs at the least."""
    packed, ended = 0, False
    for kind, content, sound in _chunks(path):
        if kind[:1].isupper() and not sound:
            raise NotWholeError(
                f"is damaged (wrong checksum of its {kind.decode('latin1')} data); copy or export it again"
            )
        packed += len(content) if kind == b"IDAT" else 0
        ended = kind == b"IEND"
    if not ended:
        raise NotWholeError("is truncated (it has no end); copy or export it again")
    width, height = _png_size(path)
    if _png_bytes(path) > _DEFLATE * packed + _DEFLATE:
        raise NotWholeError(_claim(width, height, path.stat().st_size))


def _check_png_pixels(path: Path) -> None:
    wanted = _png_bytes(path)
    found = _unpacked((content for kind, content, _ in _chunks(path) if kind == b"IDAT"), wanted)
    if found < wanted:
        raise NotWholeError(f"ends early: it has {found} of {wanted} bytes of pixels; copy or export it again")


def _chunks(path: Path) -> Iterator[tuple[bytes, bytes, bool]]:
    """Kind, content and whether the checksum is right; ends where the file does."""
    with open(path, "rb") as file:
        file.seek(len(_PNG))
        while len(begin := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", begin)
            content, checksum = file.read(length), file.read(4)
            if len(content) < length or len(checksum) < 4:
                return
            yield kind, content, zlib.crc32(kind + content) == struct.unpack(">I", checksum)[0]
            if kind == b"IEND":
                return


def _png_header(path: Path) -> tuple[int, ...]:
    with open(path, "rb") as file:
        header = file.read(29)
    if len(header) < 29:
        raise NotWholeError("is truncated (it has no header); copy or export it again")
    return struct.unpack(">IIBBBBB", header[16:29])


def _png_size(path: Path) -> tuple[int, int]:
    width, height, *_ = _png_header(path)
    return width, height


def _png_bytes(path: Path) -> int:
    """Of all rows, unpacked: each begins with the number of its filter."""
    width, height, depth, colour, _, _, interlaced = _png_header(path)
    bits = depth * _PNG_SAMPLES.get(colour, 1)
    total = 0
    for top, left, down, across in _ADAM7 if interlaced else ((0, 0, 1, 1),):
        rows, columns = -(-(height - top) // down), -(-(width - left) // across)
        if rows > 0 and columns > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def _unpacked(pieces, enough: int) -> int:
    """Bytes that a deflate stream holds, counted up to `enough`, or up to where it is damaged."""
    inflater, total = zlib.decompressobj(), 0
    for piece in pieces:
        while piece and total < enough and not inflater.eof:
            try:
                total += len(inflater.decompress(piece, _PIECE))
            except zlib.error:
                return total
            piece = inflater.unconsumed_tail
    return min(total, enough)


def _check_jpeg_pixels(image: Image.Image, data: bytes) -> None:
    """A decoder takes what stands before the end mark for pixels only while it misses some: noise there must change nothing."""
    end = data.rfind(b"\xff\xd9")
    noise = np.random.default_rng(0).integers(0, 255, 4096, dtype=np.uint8).tobytes()  # no 255, which begins a mark
    try:
        again = Image.open(io.BytesIO(data[:end] + noise + data[end:]), formats=["JPEG"])
        again.load()
    except OSError:
        return
    if again.size == image.size and (np.asarray(again) != np.asarray(image)).any():
        raise NotWholeError("ends early: pixels are missing before its end mark; copy or export it again")
