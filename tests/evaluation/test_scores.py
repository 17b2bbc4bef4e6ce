"""Scores from a confusion matrix, beside torchmetrics and by hand."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_f1_score, multiclass_jaccard_index

from imexseg.evaluation.evaluate import confusion_matrix
from imexseg.evaluation.scores import Scores


@given(seed=st.integers(0, 999))
def test_agrees_with_torchmetrics_where_every_class_is_present(seed: int):
    random = np.random.default_rng(seed)
    truth, prediction = random.integers(0, 4, (2, 40, 50))
    scores = Scores(("a", "b", "c", "d"), confusion_matrix(truth, prediction, 4), 1)
    pair = torch.from_numpy(prediction), torch.from_numpy(truth)
    assert scores.miou == pytest.approx(multiclass_jaccard_index(*pair, num_classes=4).item())
    dice = multiclass_f1_score(*pair, num_classes=4, average="none").tolist()
    assert list(scores.dice.values()) == pytest.approx(dice)
    assert scores.accuracy == pytest.approx(multiclass_accuracy(*pair, num_classes=4, average="micro").item())


def test_absent_classes_have_no_iou_and_do_not_count():
    scores = Scores(("a", "b", "gone"), np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]), 1)
    assert scores.iou == {"a": 0.75, "b": 0.8, "gone": None}
    assert scores.miou == pytest.approx(0.775)
    assert json.loads(json.dumps(scores.as_dict()))["dice"]["gone"] is None


def test_a_class_only_predicted_counts_as_zero():
    assert Scores(("a", "b"), np.array([[3, 1], [0, 0]]), 1).miou == pytest.approx(0.375)


def test_ignored_pixels_are_not_counted():
    truth = np.array([[0, 255], [255, 1]])
    assert confusion_matrix(truth, np.ones((2, 2), int), 2).tolist() == [[0, 1], [0, 1]]
    assert Scores(("a", "b"), np.zeros((2, 2), int), 1).miou == 0
