"""Files of every kind, with nothing silently cast, and every bad one explained."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from imexseg.data.images import full_scale, read_image, read_mask, to_channels
from imexseg.errors import UsageError

GREY = np.arange(12 * 17, dtype=np.uint8).reshape(12, 17)
COLOUR = np.stack([GREY, GREY.T.reshape(12, 17), 255 - GREY], axis=2)
DEEP = GREY.astype(np.uint16) * 257 + 3


def pil(path: Path, pixels: np.ndarray, mode: str | None = None, **options) -> Path:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp"])
def test_grey_and_colour_come_back_as_they_were(suffix: str, tmp_path: Path):
    options = {"lossless": True} if suffix == "webp" else {}
    assert np.array_equal(read_image(pil(tmp_path / f"c.{suffix}", COLOUR, **options)), COLOUR)
    if suffix != "webp":  # which has no grey
        assert np.array_equal(read_image(pil(tmp_path / f"g.{suffix}", GREY)), GREY[..., None])


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK"])
def test_other_colour_modes_become_rgb(mode: str, tmp_path: Path):
    path = pil(tmp_path / f"x.{'tif' if mode == 'CMYK' else 'png'}", COLOUR, mode)
    assert np.array_equal(read_image(path), np.array(Image.open(path).convert("RGB")))


def test_alpha_one_bit_and_grey_palettes(tmp_path: Path):
    assert np.array_equal(read_image(pil(tmp_path / "la.png", GREY, "LA")), GREY[..., None])
    one_bit = pil(tmp_path / "1.png", (GREY > 99).astype(np.uint8) * 255, "1")
    assert np.array_equal(read_image(one_bit)[..., 0], (GREY > 99) * 255)
    palette = Image.fromarray(GREY // 64).convert("L")
    palette.putpalette([value for grey in range(256) for value in (grey, grey, grey)])
    palette.save(tmp_path / "p.png")
    assert read_image(tmp_path / "p.png").shape == (12, 17, 1)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_stay_sixteen_bits(suffix: str, channels: int, tmp_path: Path):
    pixels = np.stack([DEEP, DEEP[::-1], DEEP // 2, DEEP][:channels], axis=2)
    cv2.imwrite(str(tmp_path / f"deep.{suffix}"), pixels)
    found = read_image(tmp_path / f"deep.{suffix}")
    assert found.dtype == np.uint16
    assert np.array_equal(found, pixels if channels == 1 else pixels[..., 2::-1])


def test_floating_point_images_stay_as_they_are(tmp_path: Path):
    pixels = GREY.astype(np.float32) / 7 - 3
    assert np.array_equal(read_image(pil(tmp_path / "f.tif", pixels))[..., 0], pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(orientation: int, tmp_path: Path):
    upright = np.zeros((20, 30, 3), np.uint8)
    upright[:8, :12] = 250
    turns = {1: [], 2: ["h"], 3: ["h", "v"], 4: ["v"], 5: ["t"], 6: ["t", "v"], 7: ["t", "h", "v"], 8: ["t", "h"]}
    stored = upright
    for turn in turns[orientation]:
        stored = {"h": stored[:, ::-1], "v": stored[::-1], "t": stored.transpose(1, 0, 2)}[turn]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = pil(tmp_path / "x.jpg", np.ascontiguousarray(stored), quality=95, exif=exif)
    found = read_image(path)
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() < 40


def png_bytes(tmp_path: Path) -> bytes:
    return pil(
        tmp_path / "whole.png", np.random.default_rng(0).integers(0, 255, (50, 50, 3)).astype(np.uint8)
    ).read_bytes()


def test_bad_files_are_explained(tmp_path: Path):
    whole = png_bytes(tmp_path)
    cases = {
        "missing.png": (None, "no such file"),
        "empty.png": (b"", "is empty"),
        "text.png": (b"not an image at all, sorry", "is not an image"),
        "cut.png": (whole[: len(whole) // 2], "damaged or truncated"),
        "cut.jpg": (pil(tmp_path / "w.jpg", np.tile(COLOUR, (9, 9, 1))).read_bytes()[:900], "damaged or truncated"),
        "damaged.png": (whole[:60] + b"\0" * 40 + whole[100:], "damaged or truncated"),
    }
    for name, (content, message) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        for read in (read_image, read_mask):
            with pytest.raises(UsageError, match=message) as caught:
                read(tmp_path / name)
            assert str(tmp_path / name) in str(caught.value)
    with pytest.raises(UsageError, match="is a folder"):
        read_image(tmp_path)


def test_an_image_that_claims_too_many_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UsageError, match="cut it into smaller images"):
        read_image(pil(tmp_path / "x.png", COLOUR))


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
    with pytest.raises(UsageError, match="one channel of class numbers, this one is RGB"):
        read_mask(pil(tmp_path / "rgb.png", COLOUR))
    with pytest.raises(UsageError, match="must be 0 to 255, found 3 to "):
        read_mask(pil(tmp_path / "deep.png", DEEP))


def test_channels(tmp_path: Path):
    path = tmp_path / "x.png"
    assert np.array_equal(to_channels(GREY[..., None], 3, path)[..., 2], GREY)
    grey = to_channels(COLOUR, 1, path)
    assert grey.dtype == np.uint8
    assert np.array_equal(grey[..., 0], np.round(COLOUR @ [0.299, 0.587, 0.114]))
    white = np.full((1, 1, 3), 65535, np.uint16)
    assert to_channels(white, 1, path)[0, 0, 0] == 65535
    with pytest.raises(UsageError, match="has 3 channels, the network takes 5"):
        to_channels(COLOUR, 5, path)


def test_white():
    assert [full_scale(np.dtype(kind)) for kind in ("uint8", "uint16", "float32")] == [255, 65535, 1]
