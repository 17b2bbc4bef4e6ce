"""Files of every kind, with nothing silently cast."""

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imexseg.data.read.as_trained import full_scale, to_channels
from imexseg.data.read.images import read_image, read_image_and_void
from imexseg.data.read.mask_files import read_mask
from imexseg.errors import UsageError

GREY = np.arange(12 * 17, dtype=np.uint8).reshape(12, 17)
COLOUR = np.stack([GREY, GREY.T.reshape(12, 17), 255 - GREY], axis=2)
DEEP = GREY.astype(np.uint16) * 257 + 3
LOSSLESS: dict[str, dict[str, Any]] = {"webp": {"lossless": True}}


def pil(path: Path, pixels: np.ndarray, mode: str | None = None, **options) -> Path:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def chunk(kind: bytes, content: bytes) -> bytes:
    """Of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(path: Path, rows: list[bytes], width: int, bits: int, colour_type: int) -> Path:
    """A PNG of a kind that Pillow does not write."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), bits, colour_type, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp"])
def test_grey_and_colour_come_back_as_they_were(suffix: str, tmp_path: Path):
    options = LOSSLESS.get(suffix, {})
    assert np.array_equal(read_image(pil(tmp_path / f"c.{suffix}", COLOUR, **options)), COLOUR)
    if suffix != "webp":  # which has no grey
        assert np.array_equal(read_image(pil(tmp_path / f"g.{suffix}", GREY)), GREY[..., None])


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK", "YCbCr"])
def test_other_colour_modes_become_rgb(mode: str, tmp_path: Path):
    path = pil(tmp_path / f"x.{'png' if mode in ('RGBA', 'P') else 'tif'}", COLOUR, mode)
    assert np.array_equal(read_image(path), np.array(Image.open(path).convert("RGB")))


def test_alpha_one_bit_and_grey_palettes(tmp_path: Path):
    assert np.array_equal(read_image(pil(tmp_path / "la.png", GREY, "LA")), GREY[..., None])
    one_bit = pil(tmp_path / "1.png", (GREY > 99).astype(np.uint8) * 255, "1")
    assert np.array_equal(read_image(one_bit)[..., 0], (GREY > 99) * 255)


def test_the_palette_says_whether_a_picture_is_grey(tmp_path: Path):
    indices = Image.fromarray(GREY // 64)
    for last, channels in (((3, 3, 3), 1), ((3, 9, 3), 3)):  # the last colour is in the palette, not in the picture
        indices.putpalette([*(value for grey in (9, 5, 1, 7) for value in (grey,) * 3), *last])
        indices.save(tmp_path / "p.png")
        found = read_image(tmp_path / "p.png")
        assert found.shape == (12, 17, channels)
        assert np.array_equal(found[..., 0], np.array([9, 5, 1, 7])[GREY // 64])


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_many_frames_the_first_is_read(suffix: str, tmp_path: Path):
    first, second = (Image.fromarray(np.full((9, 7, 3), value, np.uint8)) for value in (40, 200))
    first.save(tmp_path / f"x.{suffix}", save_all=True, append_images=[second], **LOSSLESS.get(suffix, {}))
    assert (read_image(tmp_path / f"x.{suffix}") == 40).all()


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_stay_sixteen_bits(suffix: str, channels: int, tmp_path: Path):
    pixels = np.stack([DEEP, DEEP[::-1], DEEP // 2, DEEP][:channels], axis=2)
    cv2.imwrite(str(tmp_path / f"deep.{suffix}"), pixels)
    found = read_image(tmp_path / f"deep.{suffix}")
    assert found.dtype == np.uint16
    assert np.array_equal(found, pixels if channels == 1 else pixels[..., 2::-1])


def test_sixteen_bits_that_look_grey(tmp_path: Path):
    cv2.imwrite(str(tmp_path / "rgb.png"), np.repeat(DEEP[..., None], 3, axis=2))
    assert read_image(tmp_path / "rgb.png").shape == (12, 17, 3)
    rows = [np.stack([row, row[::-1]], axis=1).astype(">u2").tobytes() for row in DEEP]
    found = read_image(png(tmp_path / "la.png", rows, width=17, bits=16, colour_type=4))
    assert found.dtype == np.uint16
    assert np.array_equal(found[..., 0], DEEP)


def test_32_bits_that_fit_16_are_taken(tmp_path: Path):
    found = read_image(pil(tmp_path / "i.tif", DEEP.astype(np.int32)))
    assert found.dtype == np.uint16
    assert np.array_equal(found[..., 0], DEEP)


def test_floating_point_images_stay_as_they_are(tmp_path: Path):
    pixels = GREY.astype(np.float32) / 7 - 3
    assert np.array_equal(read_image(pil(tmp_path / "f.tif", pixels))[..., 0], pixels)


def stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """The pixels that a file with this EXIF orientation holds, so that the picture is `upright`."""
    turns = {1: "", 2: "h", 3: "hv", 4: "v", 5: "t", 6: "tv", 7: "thv", 8: "th"}
    for turn in turns[orientation]:
        upright = {"h": upright[:, ::-1], "v": upright[::-1], "t": upright.swapaxes(0, 1)}[turn]
    return np.ascontiguousarray(upright)


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_exif_orientations_equal_the_upright_picture(orientation: int, tmp_path: Path):
    tags = exif(orientation)
    for suffix in ("png", "tif"):
        for upright in (GREY, COLOUR, DEEP):
            path = pil(tmp_path / f"x.{suffix}", stored(upright, orientation), exif=tags)
            assert np.array_equal(read_image(path), np.atleast_3d(upright))
        assert np.array_equal(read_mask(pil(path, stored(GREY, orientation), exif=tags)), GREY)
    pil(tmp_path / "lzw.tif", stored(GREY, orientation), exif=tags, compression="tiff_lzw")
    assert np.array_equal(read_image(tmp_path / "lzw.tif")[..., 0], GREY)
    pil(tmp_path / "x.webp", stored(COLOUR, orientation), exif=tags, lossless=True)
    assert np.array_equal(read_image(tmp_path / "x.webp"), COLOUR)
    smooth = np.kron(COLOUR[:2, :3], np.ones((16, 16, 1), np.uint8))
    found = read_image(pil(tmp_path / "x.jpg", stored(smooth, orientation), exif=tags, quality=95, subsampling=0))
    assert found.shape == smooth.shape
    assert np.abs(found.astype(int) - smooth).max() < 40
    deep = np.stack([DEEP, DEEP[::-1], DEEP // 2], axis=2)
    content = cv2.imencode(".png", stored(deep, orientation)[..., ::-1])[1].tobytes()
    (tmp_path / "deep.png").write_bytes(content[:33] + chunk(b"eXIf", tags.tobytes()[6:]) + content[33:])
    assert np.array_equal(read_image(tmp_path / "deep.png"), deep)


def test_masks(tmp_path: Path):
    values = GREY % 4
    values[0, 0] = 255
    assert np.array_equal(read_mask(pil(tmp_path / "l.png", values)), values)
    palette = Image.fromarray(values).convert("P")
    palette.putpalette([1, 2, 3] * 256)
    palette.save(tmp_path / "p.png")
    assert np.array_equal(read_mask(tmp_path / "p.png"), values)
    assert np.array_equal(read_mask(pil(tmp_path / "d.png", values.astype(np.uint16))), values)
    assert np.array_equal(read_mask(pil(tmp_path / "1.png", (values == 3).astype(np.uint8) * 255, "1")), values == 3)


@given(bits=st.sampled_from([1, 2, 4, 8]), seed=st.integers(0, 99))
def test_masks_of_few_bits_hold_class_numbers(bits: int, seed: int, tmp_path_factory: pytest.TempPathFactory):
    values = np.random.default_rng(seed).integers(0, 2**bits, (3, 8)).astype(np.uint8)
    digits = np.unpackbits(values[..., None], axis=2)[..., 8 - bits :].reshape(3, -1)
    rows = [row.tobytes() for row in np.packbits(digits, axis=1)]
    path = png(tmp_path_factory.mktemp("few") / "mask.png", rows, width=8, bits=bits, colour_type=0)
    assert np.array_equal(read_mask(path), values)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_luma_of_integers_is_exact(dtype: type):
    random = np.random.default_rng(0)
    image: np.ndarray = random.integers(0, np.iinfo(dtype).max, (50, 50, 3), endpoint=True).astype(dtype)
    image[0, 0], image[0, 1] = np.iinfo(dtype).max, (0, 0, 250)  # white, and 28.5
    grey = to_channels(image, 1, Path("x.png"))
    assert grey.dtype == dtype
    wanted = [(299 * int(r) + 587 * int(g) + 114 * int(b) + 500) // 1000 for r, g, b in image.reshape(-1, 3)]
    assert grey.ravel().tolist() == wanted


def test_channels(tmp_path: Path):
    path = tmp_path / "x.png"
    assert np.array_equal(to_channels(GREY[..., None], 3, path)[..., 2], GREY)
    assert to_channels(COLOUR, 3, path) is COLOUR
    light = to_channels(np.array([[[0.5, 0.25, 1.0]]], np.float32), 1, path)
    assert light.dtype == np.float32
    assert light.item() == pytest.approx(0.299 * 0.5 + 0.587 * 0.25 + 0.114)
    with pytest.raises(UsageError, match="has 3 channels, but the network takes 5"):
        to_channels(COLOUR, 5, path)


def test_white():
    assert [full_scale(np.dtype(kind)) for kind in ("uint8", "uint16", "float32")] == [255, 65535, 1]


def test_a_grey_that_the_file_calls_transparent_is_void(tmp_path: Path):
    """Of 2 and 4 bits Pillow stretches the pixels, but not the transparent grey."""
    for bits, row, key in ((8, bytes([0, 9, 200, 9]), 9), (4, bytes([0x03, 0xF3]), 3), (2, bytes([0b00011011]), 1)):
        path = png(tmp_path / f"{bits}.png", [row], width=4, bits=bits, colour_type=0)
        data = path.read_bytes()
        content = b"tRNS" + struct.pack(">H", key)
        chunk = struct.pack(">I", 2) + content + struct.pack(">I", zlib.crc32(content))
        path.write_bytes(data[:33] + chunk + data[33:])  # behind the header
        _, void = read_image_and_void(path)
        assert void is not None
        assert void.tolist() == [[False, True, False, bits != 2]]


def test_what_the_first_frame_of_a_gif_leaves_empty_is_void(tmp_path: Path):
    path = tmp_path / "a.gif"
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:6] + (11).to_bytes(2, "little") + content[8:])  # a wider screen
    pixels, void = read_image_and_void(path)
    assert pixels.shape[:2] == (6, 11)
    assert void is not None
    assert void.tolist() == [[False] * 8 + [True] * 3] * 6


def test_a_palette_that_is_missing_is_explained(tmp_path: Path):
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).quantize(2).save(path)
    content = path.read_bytes()
    start = content.index(b"PLTE") - 4
    path.write_bytes(content[:start] + content[start + 12 + int.from_bytes(content[start : start + 4], "big") :])
    with pytest.raises(UsageError, match=r"a\.png: is damaged \(its palette is missing\)"):
        read_image(path)
