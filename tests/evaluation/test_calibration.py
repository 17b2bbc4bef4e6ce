"""The calibration error beside torchmetrics, confidence beside torch, and the temperature beside a fine search."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from imexseg.evaluation.calibration import Calibration, calibration_sums
from imexseg.inference.confidence import as_grey, confidence
from imexseg.training.temperature import best_temperature


def logits(seed: int, spread: float = 3.0) -> torch.Tensor:
    return torch.randn((4, 60, 70), generator=torch.Generator().manual_seed(seed)) * spread


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_confidence_is_that_of_the_divided_logits(temperature: float):
    z = logits(0)
    expected = (z.double() / temperature).softmax(0).max(0).values.numpy()
    np.testing.assert_allclose(confidence(z.softmax(0).numpy(), temperature), expected, atol=1e-5)


def test_confidence_of_certainty_is_one():
    probabilities = np.zeros((3, 2, 2), np.float32)
    probabilities[1] = 1
    assert (confidence(probabilities, 3.0) == 1).all()
    assert as_grey(np.array([[0.0, 0.5, 1.0]])).tolist() == [[0, 128, 255]]


def test_agrees_with_torchmetrics_and_leaves_out_what_is_ignored():
    z = logits(1)
    probabilities = z.softmax(0)
    truth = torch.distributions.Categorical(logits=z.permute(1, 2, 0) / 2).sample()
    shares, classes = confidence(probabilities.numpy(), 1.0), probabilities.argmax(0).numpy().astype(np.uint8)
    expected = multiclass_calibration_error(probabilities.flatten(1).T, truth.flatten(), 4, n_bins=15, norm="l1").item()
    sums = calibration_sums(truth.numpy(), classes, shares)
    assert Calibration(sums).error == pytest.approx(expected, abs=1e-5)
    assert expected > 0.05
    half = truth.numpy().copy()
    half[:30] = 255
    parts = [calibration_sums(half, classes, shares), calibration_sums(truth.numpy()[:30], classes[:30], shares[:30])]
    np.testing.assert_allclose(np.sum(parts, axis=0), sums)
    assert Calibration(np.zeros((15, 3))).error is None


@pytest.mark.parametrize("true", [0.5, 1.0, 2.2])
def test_the_temperature_is_the_one_that_drew_the_labels(true: float):
    z = logits(2).flatten(1).T
    truth = torch.distributions.Categorical(logits=z / true).sample()
    found = best_temperature(z, truth)
    assert found == pytest.approx(true, rel=0.1)
    losses = {t: float(torch.nn.functional.cross_entropy(z / t, truth)) for t in np.geomspace(0.1, 10, 401)}
    assert found == pytest.approx(min(losses, key=lambda t: losses[t]), rel=0.013)  # the next one on the grid


def test_labels_without_an_error_ask_for_the_lowest_temperature():
    z = logits(3).flatten(1).T
    assert best_temperature(z, z.argmax(1)) == pytest.approx(0.05, rel=0.01)
