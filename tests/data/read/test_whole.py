"""Files that are not what they claim: cut, closed properly afterwards, or far larger than their bytes can be."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from imexseg.data.read.images import read_image
from imexseg.errors import UsageError

RANDOM = np.random.default_rng(0)
NOISE = RANDOM.integers(1, 255, (64, 72, 3)).astype(np.uint8)
SMOOTH = np.asarray(Image.fromarray(NOISE[:8, :9]).resize((160, 128), Image.Resampling.BICUBIC))


def saved(pixels: np.ndarray | Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, rows: bytes, colour: int = 0, depth: int = 8, interlaced: int = 0) -> bytes:
    """A PNG whose every checksum is right, whatever the rows are."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def closed_jpeg(share: float, **options) -> bytes:
    whole = saved(SMOOTH, "JPEG", quality=85, **options)
    return whole[: int(len(whole) * share)].rstrip(b"\xff") + b"\xff\xd9"


def short_zip_tiff(n_rows: int) -> bytes:
    """One deflated strip that unpacks to fewer rows than the tags say."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.full((40, 30, 5), 7, np.uint8), photometric="minisblack", planarconfig="contig")
    data = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        page = tiff.pages.first
        packed = zlib.compress(bytes(n_rows * 150))
        for name, value in (("Compression", 8), ("StripByteCounts", len(packed))):
            tag = page.tags[name]
            data[tag.valueoffset : tag.valueoffset + 2] = struct.pack("<H", value)
        offset = page.dataoffsets[0]
    data[offset : offset + len(packed)] = packed
    return bytes(data)


ROWS = b"".join(b"\0" + bytes([200]) * 20 for _ in range(20))
NOT_WHOLE: dict[str, Callable[[], bytes]] = {
    "rows-missing.png": lambda: png(20, 20, ROWS[: 21 * 12]),
    "half-a-row.png": lambda: png(20, 20, ROWS[:-5]),
    "no-rows.png": lambda: png(20, 20, b""),
    "interlaced.png": lambda: png(20, 20, ROWS[:100], interlaced=1),
    "one-bit.png": lambda: png(20, 20, b"\0\xff\xff\xff" * 9, depth=1),
    "colour.png": lambda: png(20, 20, b"\0" * 61 * 4, colour=2),
    "bomb.png": lambda: png(19_000, 19_000, bytes(1000)),
    "no-end.png": lambda: saved(NOISE, "PNG")[:-12],
    "flipped.png": lambda: (whole := saved(NOISE, "PNG"))[:900] + bytes([whole[900] ^ 4]) + whole[901:],
    "cut.jpg": lambda: saved(SMOOTH, "JPEG")[:1500],
    "closed.jpg": lambda: closed_jpeg(0.6),
    "nearly.jpg": lambda: closed_jpeg(0.93),
    "closed-444.jpg": lambda: closed_jpeg(0.6, subsampling=0),
    "closed-grey.jpg": lambda: (w := saved(SMOOTH[..., 0], "JPEG"))[: len(w) // 2].rstrip(b"\xff") + b"\xff\xd9",
    "progressive.jpg": lambda: closed_jpeg(0.9, progressive=True),
    "cut.bmp": lambda: saved(NOISE, "BMP")[:5000],
    "cut.gif": lambda: saved(Image.fromarray(NOISE).quantize(64), "GIF")[:2000],
    "cut.webp": lambda: saved(NOISE, "WEBP", lossless=True)[:5000],
    "cut.tif": lambda: saved(NOISE, "TIFF")[:5000],
    "cut-lzw.tif": lambda: saved(NOISE, "TIFF", compression="tiff_lzw")[:-4000],
    "short-strip.tif": lambda: short_zip_tiff(20),
    "bomb.bmp": lambda: saved(NOISE, "BMP")[:18] + struct.pack("<ii", 19_000, 19_000) + saved(NOISE, "BMP")[26:],
    "bomb.gif": lambda: b"GIF89a" + struct.pack("<HH", 19_000, 19_000) + saved(Image.new("P", (9, 9)), "GIF")[10:],
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", NOT_WHOLE)
def test_what_is_missing_is_said(name: str, tmp_path: Path):
    path = tmp_path / name
    path.write_bytes(NOT_WHOLE[name]())
    with pytest.raises(UsageError) as refused:
        read_image(path)
    said = str(refused.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    assert any(
        word in said for word in ("truncated", "ends early", "cannot hold", "checksum", "pixels are missing", "damaged")
    ), said


WHOLE: dict[str, Callable[[], bytes]] = {
    "black.png": lambda: saved(np.zeros((30, 40), np.uint8), "PNG"),
    "black-colour.png": lambda: saved(np.zeros((30, 40, 3), np.uint8), "PNG"),
    "black-interlaced.png": lambda: png(1, 3, b"\0\0" * 3, interlaced=1),
    "flat.jpg": lambda: saved(np.full((50, 70, 3), 255, np.uint8), "JPEG"),
    "flat-end.jpg": lambda: saved(np.concatenate([NOISE, np.full((60, 72, 3), 9, np.uint8)]), "JPEG"),
    "progressive.jpg": lambda: saved(SMOOTH, "JPEG", progressive=True),
    "restarts.jpg": lambda: saved(SMOOTH, "JPEG", restart_marker_rows=1),
    "cmyk.jpg": lambda: saved(Image.fromarray(SMOOTH).convert("CMYK"), "JPEG"),
    "with-more-behind.jpg": lambda: saved(SMOOTH, "JPEG") + b"more" * 9,
    "a-jpeg-called.png": lambda: saved(SMOOTH, "JPEG"),
    "black.gif": lambda: saved(Image.new("P", (90, 90)), "GIF"),
    "black.tif": lambda: saved(np.zeros((300, 300, 3), np.uint8), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files_that_look_like_it_are_read(name: str, tmp_path: Path):
    path = tmp_path / name
    path.write_bytes(WHOLE[name]())
    expected = Image.open(path)
    expected = np.array(expected.convert("L" if expected.mode in ("L", "P", "I;16") else "RGB"))
    np.testing.assert_array_equal(np.squeeze(read_image(path)), np.squeeze(expected))


def test_a_large_flat_png_is_within_what_deflate_can_do(tmp_path: Path):
    path = tmp_path / "flat.png"
    path.write_bytes(png(5000, 4000, bytes(5001 * 4000)))
    assert not read_image(path).any()
