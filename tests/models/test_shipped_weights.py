"""The weights that come with the package are the ones their cards describe, and do what the cards say."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from data_gen import QTips
from imexseg.evaluation.scores import Scores
from imexseg.inference.evaluate import confusion_matrix
from imexseg.inference.predictor import Predictor
from imexseg.models.artefact import load
from imexseg.models.shipped import DEFAULT_WEIGHTS, find_weights, shipped_weights

SHIPPED = shipped_weights()


def test_the_default_is_among_them():
    assert find_weights(None) == SHIPPED[DEFAULT_WEIGHTS]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_names_checksum_command_and_licence(name: str):
    path: Path = SHIPPED[name]
    card = path.with_suffix(".md").read_text()
    assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    assert "imexseg train" in card
    assert "Apache-2.0" in card
    assert load(path).info.model in card


def claimed_miou(name: str) -> float:
    (claimed,) = re.findall(r"test mIoU \| ([0-9.]+)", SHIPPED[name].with_suffix(".md").read_text())
    return float(claimed)


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.startswith("qtips")])
def test_they_reach_what_the_card_says_on_images_they_have_not_seen(name: str):
    """Forty images of another seed; so few scatter by a few points."""
    predictor = Predictor(load(SHIPPED[name]))
    preset = predictor.info.data["name"].removeprefix("qtips ")
    source = QTips(preset, seed=4711, split="test")
    pairs = [source[index] for index in range(40)]
    predictions = predictor.predict_batch([image[..., None] for image, _ in pairs])
    matrices = [confusion_matrix(mask, p.classes, 4) for (_, mask), p in zip(pairs, predictions, strict=True)]
    confusion = np.sum(matrices, axis=0)
    assert Scores(tuple(predictor.info.names), confusion, 40).miou > claimed_miou(name) - 0.05
