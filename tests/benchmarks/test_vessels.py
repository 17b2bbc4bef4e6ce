"""Segments of vessels: what lies between crossings, and who is called what."""

import numpy as np
import pytest

from benchmarks.vessels import ARTERY, UNCERTAIN, VEIN, segments, verdicts


def crossing() -> np.ndarray:
    """An artery from left to right and a vein from top to bottom, three points thick; the crossing is uncertain."""
    truth = np.zeros((61, 81), np.uint8)
    truth[29:32] = ARTERY
    truth[:, 39:42] = VEIN
    truth[28:33, 38:43] = UNCERTAIN
    return truth


def test_a_crossing_has_four_arms():
    truth = crossing()
    numbers = segments(truth)
    arms = [{int(c) for c in np.unique(truth[numbers == n])} for n in np.unique(numbers[numbers > 0])]
    assert sorted(map(list, arms)) == [[ARTERY], [ARTERY], [VEIN], [VEIN]]


def test_a_branching_parts_a_vessel():
    truth = np.zeros((61, 81), np.uint8)
    truth[29:32] = ARTERY
    truth[31:, 39:42] = ARTERY
    assert len(np.unique(segments(truth))) == 1 + 3


def test_what_is_short_does_not_count():
    truth = np.zeros((20, 20), np.uint8)
    truth[9:12, 5:12] = VEIN
    assert not segments(truth).any()


@pytest.mark.parametrize("swap", [False, True])
def test_a_segment_is_what_most_of_its_points_are_called(swap: bool):
    truth = crossing()
    prediction = np.where(truth == UNCERTAIN, ARTERY, truth)
    prediction[:, :10] = np.where(truth[:, :10] == ARTERY, VEIN, truth[:, :10])  # a quarter of the left arm
    prediction[:29, 39:42] = ARTERY if swap else VEIN  # the upper arm
    prediction[33:] = 0  # the lower one is not found
    _, found = verdicts(truth, prediction)
    said = sorted(found.values())
    assert said == (["missed", "right", "right", "wrong"] if swap else ["missed", "right", "right", "right"])
