"""The weights that come with the package are the ones their cards describe, and do what the cards say."""

import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks.real_sets import CCP, CCP_TEN
from imexseg.data.description.data_yaml import load_description
from imexseg.data_gen import QTips
from imexseg.errors import UsageError
from imexseg.evaluation.evaluate import confusion_matrix, evaluate
from imexseg.evaluation.scores import Scores
from imexseg.inference.predictor import Predictor
from imexseg.models.artefact import load
from imexseg.models.weights import DEFAULT_WEIGHTS, find_weights, shipped_weights

SHIPPED = shipped_weights()
REAL = Path(os.environ.get("IMEXSEG_REAL_DATA", Path(__file__).parents[3] / "shared/data"))


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


def test_a_short_name_goes_on_to_mean_what_it_meant():
    assert find_weights("people") == SHIPPED["people-lite0"]
    assert find_weights("qtips") == SHIPPED["qtips"]
    with pytest.raises(UsageError, match="no such weights file"):
        find_weights("qtips-second")
    with pytest.raises(UsageError, match="qtips-pile"):
        find_weights("qtip")


@pytest.mark.skipif(not (REAL / "ccp").is_dir(), reason="the photographs are not there; IMEXSEG_REAL_DATA says where")
def test_people_are_segmented_about_as_well_as_the_card_says(tmp_path: Path):
    for half in ("images", "masks"):
        (tmp_path / half / "test").mkdir(parents=True)
        for file in sorted((REAL / "ccp" / half / "test").iterdir())[::5]:
            (tmp_path / half / "test" / file.name).symlink_to(file)
    description = {"names": CCP, "classes": {name: labels.split() for name, labels in CCP_TEN.items()}}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(description, sort_keys=False))
    scores = evaluate(Predictor(load(find_weights("people"))), load_description(tmp_path), "test").scores
    assert scores.miou > claimed_miou("people-lite0") - 0.1  # twenty images of a hundred and one


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
