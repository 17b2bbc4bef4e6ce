"""K-fold cross-validation: every image is validated on once, by a network that has not seen it.

Few validation images choose badly and tell little. Over K folds all images with a mask together say how good a recipe is.
"""

from dataclasses import dataclass

import numpy as np

from imexseg.data.check.reading import Reading
from imexseg.data.check.scan import SplitFacts, facts_of, read_pairs
from imexseg.data.description.data_yaml import DataDescription
from imexseg.errors import JobError, UsageError


@dataclass(frozen=True)
class Fold:
    """Images to train on, and those that are kept for validation."""

    train: SplitFacts
    val: SplitFacts


def require_folds(k: int, n_images: int) -> None:
    """Raises: UsageError if so many images cannot be shared out to k folds."""
    if k > n_images:
        raise UsageError(
            f"--folds {k}: there are only {n_images} images for training and validation together; give fewer"
        )


def make_folds(description: DataDescription, train: SplitFacts, val: SplitFacts, k: int, seed: int) -> list[Fold]:
    """Share out the images of both splits, those with the rarest classes first, so that each fold has its part of them.

    Images of equal pixels stay together. The same for the same images and seed. Raises: UsageError for too few images;
    JobError if one cannot be read any more.
    """
    pairs = [*train.pairs, *val.pairs]
    require_folds(k, len(pairs))
    readings: list[Reading] = []
    for result in read_pairs(pairs, description):
        if not isinstance(result, Reading):
            raise JobError(f"{result[0].text}; it could be read when the run began")
        readings.append(result)
    of_fold = _shared_out(readings, len(description.names), k, seed)
    return [
        Fold(
            facts_of(description, [reading for reading, n in zip(readings, of_fold, strict=True) if n != number]),
            facts_of(description, [reading for reading, n in zip(readings, of_fold, strict=True) if n == number]),
        )
        for number in range(k)
    ]


def _shared_out(readings: list[Reading], n_classes: int, k: int, seed: int) -> list[int]:
    """The fold of each."""
    groups: dict[bytes, list[int]] = {}
    for number, reading in enumerate(readings):
        groups.setdefault(reading.digest, []).append(number)
    present = np.array([reading.counts[:n_classes] > 0 for reading in readings])
    images = present.sum(axis=0)

    def rarest(members: list[int]) -> int:
        """In how many images the rarest class of the group is."""
        return int(min(images[present[members].any(axis=0)], default=len(readings)))

    at_random = np.random.default_rng(seed).permutation(len(groups))
    order = [list(groups.values())[number] for number in at_random]
    order.sort(key=rarest)  # stable: at random among equals
    of_fold, sizes = [0] * len(readings), [0] * k
    for members in order:
        fold = sizes.index(min(sizes))
        sizes[fold] += len(members)
        for number in members:
            of_fold[number] = fold
    if 0 in sizes:
        raise UsageError(f"--folds {k}: only {len(order)} of the images differ; give fewer")
    return of_fold
