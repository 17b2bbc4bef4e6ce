"""Scoring a network against the masks of a split."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from imexseg.data.check.problem import Problem, as_lines
from imexseg.data.check.reading import remarks_on
from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.description.labels import IGNORE, plain_labels
from imexseg.data.pairs.pairs import Pair, list_pairs
from imexseg.data.read.images import read_image_and_void
from imexseg.data.read.masks import ReadMask, mixed_meanings, read_with_labels
from imexseg.data.read.void import with_ignored
from imexseg.errors import UsageError
from imexseg.evaluation.scores import Scores
from imexseg.inference.open import AnyPredictor
from imexseg.storage.mirror import Mirror

# (images, masks, number of the first in the split) ↦ images that are predicted in their place.
Perturb = Callable[[list[np.ndarray], list[np.ndarray], int], list[np.ndarray]]

BATCH = 16  # images of one size that go through the network together
BATCH_PIXELS = 512 * 512  # but not more pixels than this
BLOCK = (
    64  # pairs; no batch reaches from one block into the next, so that workers who share them out see the same batches
)


@dataclass(frozen=True)
class Evaluation:
    """Scores over the split, and the confusion matrix of every image in the order of `pairs`."""

    scores: Scores
    pairs: list[Pair]
    confusions: list[np.ndarray]
    remarks: list[str]  # what a person should know of the files, a few lines of each kind


@dataclass(frozen=True)
class Counted:
    """What one pair contributes: its confusion matrix, how its mask was read, and what a person should know of its files."""

    matrix: np.ndarray
    read: ReadMask  # without its pixels
    remarks: list[Problem]


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
    count: Callable[[list[Pair]], Iterable[Counted]] | None = None,
) -> Evaluation:
    """Predict every image of a split and count.

    Args: perturb: what is done to the images first, for instance a Perturbation of evaluation/robustness.py.
        count: who does it, pair by pair in their order; None: this process, from files of this machine.
    Raises: UsageError for classes that differ, images or masks that are missing, unreadable or do not fit.
    """
    class_table(predictor, description)
    pairs = list_pairs(description, split)
    counted: list[Counted] = []
    for one in count_pairs(predictor, description, pairs, 0, perturb) if count is None else count(pairs):
        counted.append(one)
        progress(len(counted), len(pairs))
    if (mixed := mixed_meanings([one.read for one in counted])) is not None:
        raise UsageError(mixed)
    matrices = [one.matrix for one in counted]
    remarks = as_lines([remark for one in counted for remark in one.remarks])
    scores = Scores(tuple(predictor.info.names), np.sum(matrices, axis=0), len(pairs))
    return Evaluation(scores, pairs, matrices, remarks)


def count_pairs(
    predictor: AnyPredictor,
    description: DataDescription,
    pairs: Sequence[Pair],
    first: int = 0,
    perturb: Perturb | None = None,
    mirror: Mirror | None = None,
) -> Iterator[Counted]:
    """Each pair, in their order.

    Args: first: number of the first pair in its split, a multiple of BLOCK.  mirror: of data that lies elsewhere.
    Raises: as evaluate.
    """
    to_network = class_table(predictor, description)
    n_classes = len(description.names)
    n_done = 0
    for batch in _batches(pairs, description.names, mirror):
        images, masks = [sample.image for sample in batch], [to_network[sample.mask] for sample in batch]
        if perturb is not None:
            images = perturb(images, masks, first + n_done)
        predictions = predictor.predict_batch(images, pairs[n_done].image)
        for prediction, mask, sample in zip(predictions, masks, batch, strict=True):
            yield Counted(confusion_matrix(mask, prediction.classes, n_classes), sample.read, sample.remarks)
        n_done += len(batch)


@dataclass(frozen=True)
class _Sample:
    """Image (H, W, C), mask (H, W) ignored where the image has no value, and what a person should know of both."""

    image: np.ndarray
    mask: np.ndarray
    read: ReadMask  # without its pixels
    remarks: list[Problem]


def _batches(pairs: Sequence[Pair], names: list[str], mirror: Mirror | None) -> Iterator[list[_Sample]]:
    """Consecutive images of one shape and dtype."""
    batch: list[_Sample] = []
    for number, pair in enumerate(pairs if mirror is None else mirror.pairs(pairs)):
        sample = _read(pair, names)
        alike = batch and sample.image.shape == batch[0].image.shape and sample.image.dtype == batch[0].image.dtype
        if batch and (
            not alike
            or number % BLOCK == 0
            or len(batch) == BATCH
            or (len(batch) + 1) * sample.mask.size > BATCH_PIXELS
        ):
            yield batch
            batch = []
        batch.append(sample)
    if batch:
        yield batch


def _read(pair: Pair, names: list[str]) -> _Sample:
    """Raises: UsageError naming the file if image and mask do not fit each other or the classes."""
    image, void = read_image_and_void(pair.image)
    read = read_with_labels(pair.mask, pair.labels or plain_labels(names))
    if read.wrong is not None:
        raise UsageError(read.wrong)
    if image.shape[:2] != read.classes.shape:
        sizes = [f"{width} x {height}" for height, width in (read.classes.shape, image.shape[:2])]
        raise UsageError(f"{pair.mask}: is {sizes[0]} px, its image {pair.image.name} {sizes[1]} px; they must agree")
    remarks = [Problem(kind, text, warning=True) for kind, text in (*read.remarks, *remarks_on(pair.image, void))]
    return _Sample(image, with_ignored(read.classes, void, IGNORE), read.without_pixels(), remarks)


def read_pair(pair: Pair, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Image (H, W, C) and mask (H, W), ignored where the image has no value. Raises: UsageError as evaluate."""
    sample = _read(pair, names)
    return sample.image, sample.mask
