"""Outlines and run lengths against pycocotools on the whole image, and against geometry."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_api

from imexseg.data.convert.shapes import Pixels, ellipse, polygon, rectangle, resized, run_lengths

SIZE = (20, 30)


def whole(pixels: Pixels, size: tuple[int, int] = SIZE) -> np.ndarray:
    mask = np.zeros(size, dtype=bool)
    pixels.of(mask)[...] = pixels.inside
    return mask


@given(seed=st.integers(0, 10**6), n=st.integers(3, 12))
def test_an_outline_is_filled_as_pycocotools_fills_the_whole_image(seed: int, n: int):
    points = np.random.default_rng(seed).uniform(-8, 38, (n, 2))
    runs = coco_api.frPyObjects([points.ravel().tolist()], *SIZE)
    assert np.array_equal(whole(polygon(points, SIZE)), coco_api.decode(runs)[..., 0])


@given(seed=st.integers(0, 10**6))
def test_a_centre_is_inside_or_outside_unless_an_edge_is_nearer_than_a_third_of_a_pixel(seed: int):
    corners = np.random.default_rng(seed).uniform(-5, 35, (3, 2))
    centres = np.stack(np.meshgrid(np.arange(SIZE[1]) + 0.5, np.arange(SIZE[0]) + 0.5), axis=-1)
    sides, distances = [], []
    for p, q in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        d = q - p
        along = np.clip((centres - p) @ d / (d @ d), 0, 1)
        distances.append(np.linalg.norm(centres - p - along[..., None] * d, axis=-1))
        sides.append(d[0] * (centres[..., 1] - p[1]) - d[1] * (centres[..., 0] - p[0]))
    inside = (np.array(sides) > 0).all(axis=0) | (np.array(sides) < 0).all(axis=0)
    clear = np.min(distances, axis=0) > 1 / 3
    assert np.array_equal(whole(polygon(corners, SIZE))[clear], inside[clear])


def test_shapes_on_whole_pixels():
    box = np.zeros(SIZE, dtype=bool)
    box[2:7, 3:11] = True
    for points in ([(3, 2), (11, 7)], [(11, 7), (3, 2)], [(3, 2), (11, 2), (11, 7), (3, 7)]):
        assert np.array_equal(whole(rectangle(points, SIZE)), box)
    left = np.zeros(SIZE, dtype=bool)
    left[:, :4] = True
    assert np.array_equal(whole(polygon([(-1e8, -1e8), (4, -1e8), (4, 1e8), (-1e8, 1e8)], SIZE)), left)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    assert np.array_equal(whole(ellipse((10, 19), (4, 6), SIZE)), ((x - 10) / 4) ** 2 + ((y - 19) / 6) ** 2 <= 1)


@pytest.mark.parametrize("points", [[(40, 2), (50, 2), (50, 9)], [(-9, -9), (-3, -9), (-3, -2)], [(3, 3)] * 3])
def test_an_outline_may_hold_no_pixel(points: Any):
    assert not whole(polygon(points, SIZE)).any()


def test_a_large_image_takes_no_longer_than_its_outline():
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    start = time.perf_counter()
    pixels = polygon(np.c_[5000 + 90 * np.cos(angle), 7000 + 90 * np.sin(angle)], (10_000, 10_000))
    assert time.perf_counter() - start < 1
    assert pixels.inside.sum() == pytest.approx(np.pi * 90**2, rel=0.01)


@pytest.mark.parametrize(
    "points",
    [[], [(1, 2)], [(1, 2), (3, 4)], [1, 2, 3], [("a", 1)] * 3, [(np.nan, 1)] * 3, [(1e300, 1)] * 3, [(1, 2, 3)] * 3],
)
def test_what_is_no_outline_is_refused(points: Any):
    with pytest.raises(ValueError, match="outline"):
        polygon(points, SIZE)


def test_an_outline_of_absurd_length_is_refused_before_it_fills_the_memory():
    zigzag = [(29_000 * (i % 2), i % 20_000) for i in range(4000)]
    with pytest.raises(ValueError, match="longer than"):
        polygon(zigzag, (20_000, 30_000))


@given(seed=st.integers(0, 10**6), height=st.integers(1, 40), width=st.integers(1, 40))
def test_run_lengths_come_back_compressed_or_not(seed: int, height: int, width: int):
    mask = np.random.default_rng(seed).random((height, width)) < 0.3
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.T.ravel(), [2]]).astype(int)))
    counts = np.diff(np.concatenate([[0], edges])).tolist()
    assert np.array_equal(run_lengths(counts, (height, width)), mask)
    text = coco_api.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    assert np.array_equal(run_lengths(text, (height, width)), mask)


@pytest.mark.parametrize("form", [[2, 3, 1, 1], [2.0, 3.0, 1.0, 1.0], "231N"])
def test_the_example_of_the_coco_api(form: Any):
    """Source: cocoapi, common/maskApi.h: M = [0 0 1 1 1 0 1] has the runs [2 3 1 1]; 1 - 3 = -2 is the letter N."""
    assert run_lengths(form, (7, 1)).ravel().astype(int).tolist() == [0, 0, 1, 1, 1, 0, 1]


DAMAGED = (
    [9],
    [601],
    [-1, 601],
    [True, 599],
    ["a"],
    [600.5],
    None,
    {},
    [2**40],
    "",
    "9",
    "zzzz",
    "~~~~",
    "231N",
    "\x01",
    "é",
    "0" * 9,
)


@pytest.mark.parametrize("form", DAMAGED)
def test_damaged_run_lengths_are_refused(form: Any):
    with pytest.raises(ValueError, match="run lengths"):
        run_lengths(form, SIZE)


@given(
    text=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    size=st.tuples(st.integers(1, 50), st.integers(1, 50)),
)
def test_any_text_is_an_image_of_the_size_or_refused(text: str, size: tuple[int, int]):
    try:
        first = run_lengths(text, size)
    except ValueError:
        return
    assert first.shape == size
    assert np.array_equal(first, run_lengths(text, size))  # not what happened to be in the memory


def test_a_scaled_bitmap_takes_what_lies_at_the_centres():
    pixels = np.arange(6).reshape(2, 3)
    assert resized(pixels, (4, 6)).tolist() == [[0, 0, 1, 1, 2, 2]] * 2 + [[3, 3, 4, 4, 5, 5]] * 2
    assert np.array_equal(resized(np.repeat(np.repeat(pixels, 2, 0), 2, 1), (2, 3)), pixels)
