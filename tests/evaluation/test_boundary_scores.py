"""Boundary F by hand, and beside a count of all pairs of pixels."""

import numpy as np
import pytest

from imexseg.evaluation.boundary import BoundaryScores, boundary_counts


def scores(truth: np.ndarray, prediction: np.ndarray, tolerance: float, n: int = 2) -> BoundaryScores:
    names = tuple("abcdefgh"[:n])
    return BoundaryScores(names, boundary_counts(truth, prediction, n, tolerance), tolerance)


def boundary_by_loops(mask: np.ndarray, label: int) -> list[tuple[int, int]]:
    found = []
    for row, column in np.argwhere(mask == label).tolist():
        for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            inside = 0 <= r < mask.shape[0] and 0 <= c < mask.shape[1]
            if inside and mask[r, c] not in (label, 255):
                found.append((row, column))
                break
    return found


@pytest.mark.parametrize("tolerance", [0, 1, 1.5, 3])
def test_agrees_with_all_pairs_of_pixels(tolerance: float):
    random = np.random.default_rng(1)
    truth, prediction = np.kron(random.integers(0, 3, (2, 5, 6)), np.ones((1, 3, 3))).astype(np.uint8)
    prediction = np.roll(prediction, 1, axis=0)
    truth[random.random(truth.shape) < 0.05] = 255
    counts = boundary_counts(truth, prediction, 3, tolerance)
    known = np.where(truth == 255, 255, prediction)
    for label in range(3):
        true, said = boundary_by_loops(truth, label), boundary_by_loops(known, label)

        def near(pixels: list, others: list) -> int:
            return sum(any(np.hypot(r - y, c - x) <= tolerance for y, x in others) for r, c in pixels)

        assert counts[label].tolist() == [near(said, true), len(said), near(true, said), len(true)]


def test_a_shifted_edge_counts_within_the_tolerance_only():
    truth, prediction = np.zeros((2, 20, 30), np.uint8)
    truth[:, 10:] = 1
    prediction[:, 13:] = 1
    assert scores(truth, prediction, 2).mean == 0
    assert scores(truth, prediction, 3).mean == 1
    assert scores(truth, truth, 0).f_score == {"a": 1, "b": 1}


def test_what_has_no_boundary_does_not_count():
    truth, prediction = np.zeros((2, 9, 9), np.uint8)
    assert scores(truth, prediction, 1).mean is None
    prediction[3:5, 3:5] = 2
    found = scores(truth, prediction, 1, 4)
    assert found.f_score == {"a": 0, "b": None, "c": 0, "d": None}
    assert found.mean == 0


def test_ignored_pixels_hide_boundaries_and_make_none():
    truth, prediction = np.zeros((2, 9, 9), np.uint8)
    truth[:, 4:6] = 255
    prediction[:, 5:] = 1
    found = scores(truth, prediction, 0)
    assert found.counts.sum() == 0 or found.counts[:, 3].sum() == 0
    assert found.counts[:, 1].sum() == 0  # the predicted edge lies under the ignored pixels
