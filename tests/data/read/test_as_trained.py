"""The one rule for images that are not as the training images were, against the golden cases that the page reads too."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imexseg.data.read.as_trained import as_trained, conversion, to_channels
from imexseg.data.read.windows import array_source, source_as_trained
from imexseg.errors import UsageError

GOLDEN = json.loads((Path(__file__).parents[2] / "golden/pixels.json").read_text())


def weights(case: dict, channels: int = 1) -> SimpleNamespace:
    """What the weights of a case say of themselves."""
    seen = case["network"]["pixel_range"]
    return SimpleNamespace(
        in_channels=channels,
        full_scale=float(case["network"]["full_scale"]),
        pixel_range=SimpleNamespace(**seen) if seen else None,
    )


def column(case: dict, key: str = "values") -> np.ndarray:
    return np.array(case[key], case["dtype"]).reshape(-1, 1, 1)


@pytest.mark.parametrize("case", GOLDEN["channels"], ids=lambda c: f"{c['dtype']}-to-{c['channels']}")
def test_channels(case: dict):
    image = np.array([case["image"]], case["dtype"])
    found = to_channels(image, case["channels"], "image")
    assert found.dtype == image.dtype
    np.testing.assert_array_equal(found[0], np.array(case["expected"], case["dtype"]))


@pytest.mark.parametrize(
    "case", GOLDEN["scale"], ids=lambda c: f"{c['dtype']}-to-{c['type']}-{c['network']['full_scale']}"
)
def test_scale_and_rounding(case: dict):
    found, note = as_trained(column(case), weights(case), "image", case["white"])
    assert found.dtype == case["type"]
    np.testing.assert_array_equal(found.ravel(), np.array(case["expected"], case["type"]))
    changed = case["dtype"] != case["type"] or not np.array_equal(found.ravel(), column(case).ravel())
    assert (note is not None) == changed


@pytest.mark.parametrize("case", GOLDEN["refused"], ids=lambda c: f"{c['dtype']}-for-{c['type']}-{c['why']}")
def test_what_would_have_to_be_guessed_is_refused(case: dict):
    with pytest.raises(UsageError, match=r"photo\.png: .*") as refused:
        as_trained(column(case), weights(case), "photo.png", case["white"])
    assert case["why"] in str(refused.value)


@given(data=st.data())
def test_no_integer_ever_wraps(data: st.DataObject):
    dtype = data.draw(st.sampled_from(["uint8", "uint16", "float32"]))
    numbers = st.floats(-1e4, 1e6, width=32) if dtype == "float32" else st.integers(0, np.iinfo(dtype).max)
    values = np.array(data.draw(st.lists(numbers, min_size=1, max_size=8)), dtype).reshape(-1, 1, 1)
    white = data.draw(st.one_of(st.none(), st.floats(0.5, 70000)))
    scale = data.draw(st.sampled_from([255.0, 65535.0]))
    trained = SimpleNamespace(in_channels=1, full_scale=scale, pixel_range=None)
    try:
        found, _ = as_trained(values, trained, "x", white)
    except UsageError:
        return
    used = white if white is not None else {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    exact = values.astype(np.float64) * scale / used
    np.testing.assert_allclose(found, exact, atol=0.5 + 1e-9 * scale)


def test_pieces_of_a_large_image_follow_one_rule():
    image = (
        np.linspace(0, 65535, 64 * 48).astype(np.uint16).reshape(64, 48, 1)
    )  # dark at the top: by itself it looks like 12 bits
    trained = SimpleNamespace(in_channels=3, full_scale=255.0, pixel_range=None)
    whole, note = as_trained(image, trained, "x")
    source, said = source_as_trained(array_source(image), trained, "x")
    assert said == note
    assert source.shape == whole.shape
    np.testing.assert_array_equal(source.read(slice(0, 4), slice(2, 9)), whole[0:4, 2:9])
    np.testing.assert_array_equal(source.read(slice(60, 64), slice(0, 48)), whole[60:64])


def test_a_stranger_number_of_channels_is_refused():
    with pytest.raises(UsageError, match=r"x: has 4 channels, the network takes 3"):
        to_channels(np.zeros((2, 2, 4), np.uint8), 3, "x")


def test_types_that_no_network_takes_are_refused():
    trained = SimpleNamespace(in_channels=1, full_scale=255.0, pixel_range=None)
    with pytest.raises(UsageError, match="is int32, which would have to be cast"):
        conversion(trained, np.dtype(np.int32), 0, 1, "x")
