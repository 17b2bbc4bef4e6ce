"""Scoring a network against the masks of a split."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.description.labels import IGNORE
from imexseg.data.pairs.pairs import Pair, list_pairs
from imexseg.data.read.images import read_image_and_void
from imexseg.data.read.masks import read_classes
from imexseg.data.read.void import with_ignored
from imexseg.errors import UsageError
from imexseg.evaluation.scores import Scores
from imexseg.inference.open import AnyPredictor

# (images, masks, number of the first in the split) ↦ images that are predicted in their place.
Perturb = Callable[[list[np.ndarray], list[np.ndarray], int], list[np.ndarray]]

BATCH = 16  # images of one size that go through the network together
BATCH_PIXELS = 512 * 512  # but not more pixels than this


@dataclass(frozen=True)
class Evaluation:
    """Scores over the split, and the confusion matrix of every image in the order of `pairs`."""

    scores: Scores
    pairs: list[Pair]
    confusions: list[np.ndarray]


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, n_classes: int) -> np.ndarray:
    """Pixels by (truth, prediction), those with truth 255 left out. Shapes: (H, W), (H, W) → (classes, classes)."""
    counted = truth != IGNORE
    pair = truth[counted].astype(np.int64) * n_classes + prediction[counted]
    return np.bincount(pair, minlength=n_classes**2).reshape(n_classes, n_classes)


def class_table(predictor: AnyPredictor, description: DataDescription) -> np.ndarray:
    """Class number of the data ↦ that of the network, matched by name: the orders may differ. Shapes: → (256,) uint8.

    Raises: UsageError if the data's classes are not the network's.
    """
    names = predictor.info.names
    if sorted(names) != sorted(description.names):
        raise UsageError(
            f"{description.root}: its classes are {', '.join(description.names)}, "
            f"but those of the weights are {', '.join(predictor.info.names)}; evaluate on data with the classes that the network "
            "was trained on"
        )
    table = np.arange(256, dtype=np.uint8)
    table[: len(names)] = [names.index(name) for name in description.names]
    return table


def evaluate(
    predictor: AnyPredictor,
    description: DataDescription,
    split: str = "val",
    progress: Callable[[int, int], None] = lambda n_done, n_total: None,
    perturb: Perturb | None = None,
) -> Evaluation:
    """Predict every image of a split and count.

    Args: perturb: what is done to the images first, for instance a Perturbation of evaluation/robustness.py.
    Raises: UsageError for classes that differ, images or masks that are missing, unreadable or do not fit.
    """
    to_network = class_table(predictor, description)
    pairs = list_pairs(description, split)
    n_classes = len(description.names)
    confusions: list[np.ndarray] = []
    for images, truths in _batches(pairs, n_classes):
        masks = [to_network[truth] for truth in truths]
        if perturb is not None:
            images = perturb(images, masks, len(confusions))
        for prediction, mask in zip(predictor.predict_batch(images, pairs[len(confusions)].image), masks, strict=True):
            confusions.append(confusion_matrix(mask, prediction.classes, n_classes))
        progress(len(confusions), len(pairs))
    total = np.sum(confusions, axis=0)
    return Evaluation(Scores(tuple(predictor.info.names), total, len(pairs)), pairs, confusions)


def _batches(pairs: list[Pair], n_classes: int) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    """Consecutive images of one shape and dtype."""
    images: list[np.ndarray] = []
    masks: list[np.ndarray] = []
    for pair in pairs:
        image, mask = read_pair(pair, n_classes)
        alike = images and image.shape == images[0].shape and image.dtype == images[0].dtype
        if images and (not alike or len(images) == BATCH or (len(images) + 1) * mask.size > BATCH_PIXELS):
            yield images, masks
            images, masks = [], []
        images.append(image)
        masks.append(mask)
    if images:
        yield images, masks


def read_pair(pair: Pair, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Image (H, W, C) and mask (H, W), ignored where the image has no value (void.py).

    Raises: UsageError naming the file if they do not fit each other or the classes.
    """
    image, void = read_image_and_void(pair.image)
    mask = with_ignored(read_classes(pair), void, IGNORE)
    if image.shape[:2] != mask.shape:
        sizes = [f"{width} x {height}" for height, width in (mask.shape, image.shape[:2])]
        raise UsageError(f"{pair.mask}: is {sizes[0]} px, its image {pair.image.name} {sizes[1]} px; they must agree")
    values = np.unique(mask)
    unknown = values[(values >= n_classes) & (values != IGNORE)].tolist()
    if unknown:
        raise UsageError(f"{pair.mask}: has values {unknown}; classes are 0 to {n_classes - 1}, and {IGNORE} to ignore")
    return image, mask
