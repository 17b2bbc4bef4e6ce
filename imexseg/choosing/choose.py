"""The rule: greedy k-centre, weighted by doubt.

    score = distance to the nearest image that is labelled or chosen already  ·  (1 - mean confidence)

The image with the highest score is chosen, then the next, and so on: none that is sure, and no two that look alike. Distances are
Euclidean, between features of which each has been divided by its deviation over all images.

Source: Sener, Savarese 2018, Active Learning for Convolutional Neural Networks: A Core-Set Approach (k-centre without doubt).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imexseg.choosing.look import Look


@dataclass(frozen=True)
class Choice:
    """number: of the image among those without labels.  distance: to the nearest labelled or chosen one when it was chosen, in
    deviations; 0 where nothing was labelled or chosen before."""

    number: int
    distance: float
    score: float


def choose(n: int, labelled: Sequence[Look], unlabelled: Sequence[Look]) -> list[Choice]:
    """At most n, the most useful first. Of equal scores the earlier image."""
    everything = np.stack([look.feature for look in (*labelled, *unlabelled)])
    deviation = everything.std(axis=0)
    features = everything / np.where(deviation > 0, deviation, 1.0) / np.sqrt(everything.shape[1])
    known, candidates = features[: len(labelled)], features[len(labelled) :]
    doubt = np.array([1 - look.confidence for look in unlabelled])
    nearest = np.full(len(candidates), np.inf)
    for feature in known:
        nearest = np.minimum(nearest, np.linalg.norm(candidates - feature, axis=1))
    choices: list[Choice] = []
    open_ = np.ones(len(candidates), dtype=bool)
    while len(choices) < min(n, len(candidates)):
        distance = nearest if np.isfinite(nearest).all() else np.ones(len(candidates))  # nothing to be unlike
        score = np.where(open_, distance * doubt, -1.0)
        number = int(score.argmax())
        open_[number] = False
        choices.append(
            Choice(number, float(nearest[number]) if np.isfinite(nearest[number]) else 0.0, float(score[number]))
        )
        nearest = np.minimum(nearest, np.linalg.norm(candidates - candidates[number], axis=1))
    return choices
