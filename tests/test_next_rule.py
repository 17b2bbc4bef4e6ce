"""Which images come next: the rule of benchmarks/next.py, by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.next_rule import Look, choose, look_at
from imexseg.models.artefact import load


def looks(*points: tuple[float, float], confidence: float = 0.5) -> list[Look]:
    return [Look(confidence, np.array(point, float)) for point in points]


def test_the_farthest_comes_first_and_no_two_alike():
    labelled = looks((0, 0))
    unlabelled = looks((0.1, 0), (9, 9), (9, 9.1), (9, 0), (0, 0))
    assert [choice.number for choice in choose(2, labelled, unlabelled)] == [2, 3]
    everything = choose(9, labelled, unlabelled)
    assert sorted(choice.number for choice in everything) == [0, 1, 2, 3, 4]
    assert everything[-1].number == 4  # a copy of a labelled one
    assert everything[-1].distance == 0


def test_of_two_alike_the_one_that_is_less_sure():
    unlabelled = [*looks((1, 0), confidence=0.9), *looks((1, 0), confidence=0.6), *looks((1.1, 0), confidence=1.0)]
    (first,) = choose(1, looks((0, 0)), unlabelled)
    assert first.number == 1


def test_each_choice_is_the_best_of_those_left():
    random = np.random.default_rng(3)
    labelled = [Look(0.5, point) for point in random.normal(size=(4, 6))]
    unlabelled = [
        Look(share, point) for share, point in zip(random.uniform(0.3, 1, 15), random.normal(size=(15, 6)), strict=True)
    ]
    deviation = np.stack([look.feature for look in (*labelled, *unlabelled)]).std(axis=0)
    known, left = list(labelled), list(range(15))
    for choice in choose(6, labelled, unlabelled):

        def score(number: int, known: list[Look] = known) -> float:
            look = unlabelled[number]
            gaps = [np.sqrt((((look.feature - other.feature) / deviation) ** 2).mean()) for other in known]
            return min(gaps) * (1 - look.confidence)

        assert choice.score == pytest.approx(max(score(number) for number in left))
        assert choice.score == pytest.approx(score(choice.number))
        left.remove(choice.number)
        known.append(unlabelled[choice.number])


def test_a_look_is_that_of_what_the_classifier_is_given(trained_run: Path):
    network = load(trained_run / "best.safetensors")
    image = np.random.default_rng(1).integers(0, 256, (40, 48, 1), dtype=np.uint8)
    look = look_at(network, image)
    with torch.inference_mode():
        pixels = network.prepared(torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None])
        inside = network.refinement(network.backbone(pixels)[-1])[0].flatten(1).double()
        logits = network(torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None])[0].double()
    expected = torch.cat([inside.mean(1), inside.std(1, unbiased=False)]).numpy()
    np.testing.assert_allclose(look.feature, expected, atol=1e-5)
    shares = (logits / (network.info.temperature or 1)).softmax(0).max(0).values
    assert look.confidence == pytest.approx(shares.mean().item(), abs=1e-5)
