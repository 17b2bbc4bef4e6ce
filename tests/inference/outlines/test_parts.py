"""Outlines of random masks, filled by decoders that know nothing of how they were made."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw
from pycocotools import mask as coco_api
from scipy.ndimage import distance_transform_edt
from skimage.measure import label

from imexseg.inference.outlines.parts import Part, parts_of

FINE = 8  # sub-pixels a side: decoders that draw the line itself draw it less than half a pixel thick


def random_masks() -> list[np.ndarray]:
    """Noise with holes and parts that touch at corners, blocks, thin lines in all directions, rings, gradients of labels."""
    random = np.random.default_rng(4)
    masks = [random.integers(0, n, size).astype(np.uint8) for n, size in ((2, (17, 23)), (4, (9, 31)), (2, (1, 40)))]
    masks += [np.kron(random.integers(0, 3, (8, 9)), np.ones((5, 4))).astype(np.uint8)]
    lines = np.zeros((60, 70), np.uint8)
    for number in range(6):
        a, b = random.integers(0, 60, (2, 2)).tolist()
        cv2.line(lines, a, b, number % 3 + 1, 1)
    rings = np.zeros((64, 64), np.uint8)
    for number, radius in enumerate((30, 27, 20, 12, 4)):
        cv2.circle(rings, (31, 33), radius, number % 2 + 1, -1 if number % 3 else 1)
    smooth = cv2.GaussianBlur(random.normal(size=(90, 120)), (0, 0), 3)
    masks += [lines, rings, np.digitize(smooth, np.quantile(smooth, [0.3, 0.5, 0.8])).astype(np.uint8)]
    diagonal = np.eye(24, dtype=np.uint8)
    return [*masks, diagonal, diagonal[::-1] * 2, np.pad(np.zeros((5, 5), np.uint8), 3, constant_values=255)]


MASKS = random_masks()


def by_pycocotools(line: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return coco_api.decode(coco_api.frPyObjects([line.ravel().astype(float).tolist()], *size))[..., 0] > 0


def by_opencv(line: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """At a finer scale, looked at in the centres of the pixels."""
    canvas = np.zeros((size[0] * FINE, size[1] * FINE), np.uint8)
    cv2.fillPoly(canvas, [(line * FINE).astype(np.int32)], 1)
    return canvas[FINE // 2 :: FINE, FINE // 2 :: FINE] > 0


def by_pillow(line: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    picture = Image.new("1", (size[1] * FINE, size[0] * FINE))
    ImageDraw.Draw(picture).polygon([tuple(point) for point in (line * FINE).tolist()], fill=1)
    return np.asarray(picture)[FINE // 2 :: FINE, FINE // 2 :: FINE]


def drawn(parts: list[Part], size: tuple[int, int], fill) -> tuple[np.ndarray, np.ndarray]:
    """The labels, -1 where there is none, and how many parts cover each pixel."""
    mask, times = np.full(size, -1), np.zeros(size, int)
    for part in parts:
        inside = fill(part.as_one_line(), size)
        mask[inside] = part.label
        times += inside
    return mask, times


@pytest.mark.parametrize("fill", [by_pycocotools, by_opencv, by_pillow])
@pytest.mark.parametrize("number", range(len(MASKS)))
def test_without_tolerance_every_pixel_comes_back(number: int, fill):
    mask = MASKS[number]
    found, times = drawn(parts_of(mask, 0), mask.shape, fill)
    assert np.array_equal(found, mask)
    assert (times == 1).all()


@pytest.mark.parametrize("number", range(len(MASKS)))
def test_parts_are_the_connected_pieces_with_their_holes(number: int):
    mask = MASKS[number]
    parts = parts_of(mask, 0)
    for value in np.unique(mask):
        pieces, n_pieces = label(mask == value, connectivity=2, return_num=True)
        mine = [part for part in parts if part.label == value]
        assert sorted(part.area for part in mine) == sorted(np.bincount(pieces.ravel())[1:].tolist())
        assert n_pieces == len(mine)
        outside = np.pad(mask != value, 1, constant_values=True)
        assert sum(len(part.holes) for part in mine) == label(outside, connectivity=1, return_num=True)[1] - 1
    assert [part.area for part in parts] == sorted((part.area for part in parts), reverse=True)


@pytest.mark.parametrize("tolerance", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("number", range(len(MASKS)))
def test_pixels_change_only_near_a_boundary_and_no_part_is_lost(number: int, tolerance: float):
    """A pixel that changes has its centre within the tolerance of a boundary, but for the fifths that pycocotools rounds to."""
    mask = MASKS[number]
    parts = parts_of(mask, tolerance)
    found, times = drawn(parts, mask.shape, by_pycocotools)
    finer = np.kron(mask, np.ones((9, 9), np.uint8))  # a grid on which boundaries lie between samples
    inner = np.zeros(finer.shape, bool)
    inner[:, 1:] |= finer[:, 1:] != finer[:, :-1]
    inner[1:] |= finer[1:] != finer[:-1]
    distance = distance_transform_edt(~inner)[4::9, 4::9] / 9 if inner.any() else np.full(mask.shape, np.inf)
    assert (distance[(found != mask) | (times != 1)] <= tolerance + 0.4).all()
    exact = parts_of(mask, 0)
    assert sorted(part.label for part in parts) == sorted(part.label for part in exact)
    assert sum(len(part.holes) for part in parts) == sum(len(part.holes) for part in exact)
    assert sum(len(part.as_one_line()) for part in parts) <= sum(len(part.as_one_line()) for part in exact)
    for part, true in zip(parts, exact, strict=True):
        assert part.area == true.area  # told of the mask
        assert abs(_area(part) - true.area) <= 0.26 * true.area + 1e-9 or part.holes


def _area(part: Part) -> float:
    x, y = part.outer.T.astype(float)
    return abs(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())) / 2


def test_neighbours_leave_no_gap_and_do_not_overlap():
    mask = MASKS[6]
    found, times = drawn(parts_of(mask, 1.0), mask.shape, by_pycocotools)
    assert (times == 1).all()
    assert 0 < (found != mask).mean() < 0.05


def test_a_smooth_outline_needs_few_corners():
    disc = np.zeros((220, 220), np.uint8)
    cv2.circle(disc, (110, 110), 100, 1, -1)
    (part,) = parts_of(disc, 1.0, left_out=[0])
    (exact,) = parts_of(disc, 0, left_out=[0])
    assert len(part.outer) < 50 < 400 < len(exact.outer)
    assert part.box == exact.box == (10, 10, 201, 201)


def test_what_is_left_out_has_no_outline():
    mask = MASKS[5]
    parts = parts_of(mask, 0, left_out=[0, 1])
    found, _ = drawn(parts, mask.shape, by_opencv)
    assert np.array_equal(found == 2, mask == 2)
    assert {part.label for part in parts} == {2}
    assert parts_of(np.zeros((4, 5), np.uint8), 1.0, left_out=[0]) == []


def test_a_row_beyond_the_rows_that_are_looked_at_together():
    """600 rows are three pieces of work; rings run through all of them."""
    random = np.random.default_rng(8)
    mask = np.kron(random.integers(0, 2, (600, 3)), np.ones((1, 4))).astype(np.uint8)
    found, times = drawn(parts_of(mask, 0), mask.shape, by_pycocotools)
    assert np.array_equal(found, mask)
    assert (times == 1).all()
