"""The rule for pixels that are not as trained: the golden cases that the page reads too, and properties over all types."""

import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imexseg.data.read.as_trained import as_trained, to_channels
from imexseg.data.read.void import filled
from imexseg.errors import UsageError
from imexseg.inference.onnx_predictor import tiles_along

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "pixels.json").read_text())


def trained(full_scale: float, pixel_range: dict[str, Any] | None = None, channels: int = 1) -> SimpleNamespace:
    seen = SimpleNamespace(**pixel_range) if pixel_range else None
    return SimpleNamespace(full_scale=full_scale, pixel_range=seen, in_channels=channels)


def column(case: dict[str, Any]) -> np.ndarray:
    return np.array(case["values"], case["dtype"])[:, None, None]


@pytest.mark.parametrize("number", range(len(GOLDEN["channels"])))
def test_channels(number: int):
    case = GOLDEN["channels"][number]
    found = to_channels(np.array([case["image"]], case["dtype"]), case["channels"], "a.png")
    assert found.dtype == case["dtype"]
    assert found[0].tolist() == case["expected"]


@pytest.mark.parametrize("number", range(len(GOLDEN["scale"])))
def test_scale_and_rounding(number: int):
    case = GOLDEN["scale"][number]
    found, _ = as_trained(column(case), trained(**case["network"]), "a.png", case["white"])
    assert found.dtype == case["type"]
    assert found.ravel().tolist() == case["expected"]


@pytest.mark.parametrize("case", GOLDEN["refused"], ids=lambda case: f"{case['dtype']}-{case['why']}")
def test_what_would_be_a_guess_is_refused(case: dict[str, Any]):
    with pytest.raises(UsageError) as refused:
        as_trained(column(case), trained(**case["network"]), "a.png", case["white"])
    assert "a.png" in str(refused.value)
    assert case["why"] in str(refused.value)


@pytest.mark.parametrize("case", GOLDEN["tiles"], ids=lambda case: f"{case['length']}-{case['size']}")
def test_tiles(case: dict[str, Any]):
    assert [list(tile) for tile in tiles_along(case["length"], case["size"])] == case["tiles"]


@pytest.mark.parametrize("case", GOLDEN["void"], ids=lambda case: case["dtype"])
def test_void_pixels_take_the_mean_of_the_others(case: dict[str, Any]):
    void = np.array([case["alpha"]]) == 0
    assert filled(np.array([case["image"]], case["dtype"]), void)[0].tolist() == case["expected"]


@given(
    st.sampled_from(["uint8", "uint16", "float32", "int16", "int32", "uint32", "int64", "float64", "bool"]),
    st.lists(st.integers(-70_000, 70_000), min_size=1, max_size=6),
    st.sampled_from([255.0, 65535.0, 4095.0, 1.0]),
    st.sampled_from([None, 1.0, 255.0, 4095.0, 65535.0]),
)
def test_no_value_ever_wraps(dtype: str, values: list[int], scale: float, white: float | None):
    """Whatever the types: each value is what exact arithmetic says, or the image is refused."""
    limits = (0, 1) if dtype == "bool" else (-70_000, 70_000)
    if np.dtype(dtype).kind in "iu":
        limits = (max(-70_000, np.iinfo(dtype).min), min(70_000, np.iinfo(dtype).max))
    image = np.array([min(max(value, limits[0]), limits[1]) for value in values], dtype)[:, None, None]
    kind = {255.0: "uint8", 65535.0: "uint16", 4095.0: "uint16", 1.0: "float32"}[scale]
    seen = {"dtype": kind, "lowest": 0, "highest": scale}
    try:
        found, _ = as_trained(image, trained(scale, seen), "a.png", white)
    except UsageError:
        return
    alike = image.dtype == kind or {image.dtype.kind, np.dtype(kind).kind} == {"f"}
    own = white or (scale if alike else {"uint8": 255, "uint16": 65535}.get(dtype, 1))
    for value, result in zip(image.ravel().tolist(), found.ravel().tolist(), strict=True):
        exact = Fraction(value) * Fraction(scale) / Fraction(own)
        assert abs(exact - Fraction(result)) <= (Fraction(1, 2) if kind != "float32" else abs(exact) / 2**23)


def test_nan_is_refused_and_a_large_image_is_converted_in_blocks():
    with pytest.raises(UsageError, match=r"b\.tif: has pixels that are NaN"):
        as_trained(np.array([[[np.nan]]], np.float32), trained(255.0), "b.tif")
    image = np.random.default_rng(0).integers(0, 65536, (1100, 1000, 1), dtype=np.uint16)
    expected = (2 * image.astype(np.int64) * 255 + 65535) // (2 * 65535)
    assert (as_trained(image, trained(255.0))[0] == expected).all()
