"""What a person sees of images and masks."""

import io
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from imexseg.data.description.labels import IGNORE
from imexseg.inference.write_picture import IGNORED_STRIPES, colour_mask, displayable, jpeg_bytes, overlay, png_bytes

PALETTE = [(10, 20, 30), (255, 0, 0), (0, 200, 100)]
random = np.random.default_rng(5)


def test_8_bit_colour_is_shown_as_it_is():
    image = random.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(displayable(image), image)


def test_16_bits_are_divided_by_257():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    np.testing.assert_array_equal(displayable(values)[..., 0], np.round(values[..., 0] / 257))


def test_floating_point_is_stretched_from_darkest_to_lightest():
    image = np.array([-3.0, 0.0, 7.0], dtype=np.float32).reshape(1, 3, 1)
    assert displayable(image)[0, :, 0].tolist() == [0, 76, 255]
    assert displayable(np.full((2, 2, 1), 4.5, dtype=np.float32)).tolist() == np.zeros((2, 2, 3)).tolist()


def test_values_that_are_not_finite_do_not_spoil_the_others():
    image = np.array([np.nan, 1.0, np.inf, 2.0, -np.inf], dtype=np.float32).reshape(1, 5, 1)
    assert displayable(image)[0, :, 0].tolist() == [0, 0, 255, 255, 0]
    assert displayable(np.full((2, 2, 1), np.nan, dtype=np.float32)).max() == 0


@pytest.mark.parametrize(("channels", "shown"), [(1, [0, 0, 0]), (2, [0, 0, 0]), (3, [0, 1, 2]), (8, [0, 1, 2])])
def test_grey_is_repeated_and_of_many_channels_the_first_three_are_shown(channels: int, shown: list[int]):
    image = random.integers(0, 256, (4, 6, channels), dtype=np.uint8)
    np.testing.assert_array_equal(displayable(image), image[..., shown])


def test_each_class_has_its_colour_and_ignored_pixels_have_grey_stripes():
    mask = np.array([[0, 1, 2], [2, 1, 0]], dtype=np.uint8)
    np.testing.assert_array_equal(colour_mask(mask, PALETTE), np.array(PALETTE, dtype=np.uint8)[mask])
    ignored = colour_mask(np.full((40, 50), IGNORE, dtype=np.uint8), PALETTE).reshape(-1, 3)
    colours, counts = np.unique(ignored, axis=0, return_counts=True)
    np.testing.assert_array_equal(colours, IGNORED_STRIPES)
    assert counts.min() > 0.4 * len(ignored)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_overlay_blends_all_but_the_background(dtype: type, channels: int):
    image: np.ndarray = (255 * random.random((30, 20, channels))).astype(dtype)
    mask = random.choice(np.array([0, 1, 2, IGNORE], dtype=np.uint8), (30, 20))
    untouched_image, untouched_mask = image.copy(), mask.copy()
    result = overlay(image, mask, PALETTE, opacity=0.25)
    shown, coloured = displayable(image).astype(float), colour_mask(mask, PALETTE).astype(float)
    assert result.shape == (30, 20, 3)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result[mask == 0], shown[mask == 0])
    np.testing.assert_allclose(result[mask != 0], (0.75 * shown + 0.25 * coloured)[mask != 0], atol=0.5)
    np.testing.assert_array_equal(image, untouched_image)
    np.testing.assert_array_equal(mask, untouched_mask)


def test_png_is_exact_and_jpeg_is_close():
    colour = cv2.resize(random.integers(0, 256, (4, 4, 3), dtype=np.uint8), (64, 48))
    for pixels in (colour, colour[..., 0]):
        np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(png_bytes(pixels)))), pixels)
    decoded = np.array(Image.open(io.BytesIO(jpeg_bytes(colour))))
    assert np.abs(decoded.astype(int) - colour).mean() < 4


def test_what_is_no_picture_is_refused():
    for array in (np.zeros((0, 0), dtype=np.uint8), np.zeros((4, 4, 2), dtype=np.uint8), np.zeros((4, 4))):
        with pytest.raises(ValueError, match=re.escape(str(array.shape))):
            png_bytes(array)


def test_predicting_does_not_load_matplotlib():
    code = "import imexseg.inference.write_picture, sys; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
