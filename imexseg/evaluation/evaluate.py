"""Scoring a network against the masks of a split."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from imexseg.data.check.problem import Problem, as_lines
from imexseg.data.check.reading import remarks_on
from imexseg.data.check.together import read_together
from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.description.labels import IGNORE
from imexseg.data.pairs.pairs import Pair, list_pairs
from imexseg.data.read.masks import ReadMask, mixed_meanings
from imexseg.data.read.void import with_ignored
from imexseg.errors import UsageError
from imexseg.evaluation.boundary import BoundaryScores
from imexseg.evaluation.calibration import Calibration
from imexseg.evaluation.counted import NOTHING_MORE, Counted, Measures, confusion_matrix, measured
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
    """Scores over the split, and of every image, in the order of `pairs`, its confusion matrix and what else was measured."""

    scores: Scores
    pairs: list[Pair]
    confusions: list[np.ndarray]
    remarks: list[str]  # what a person should know of the files, a few lines of each kind
    boundaries: list[BoundaryScores] = field(default_factory=list)
    calibrations: list[Calibration] = field(default_factory=list)

    @property
    def boundary(self) -> BoundaryScores | None:
        """Over the split; None if it was not measured."""
        if not self.boundaries:
            return None
        return replace(self.boundaries[0], counts=np.sum([one.counts for one in self.boundaries], axis=0))

    @property
    def calibration(self) -> Calibration | None:
        """Over the split; None if it was not measured."""
        return Calibration(np.sum([one.sums for one in self.calibrations], axis=0)) if self.calibrations else None


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
    measures: Measures = NOTHING_MORE,
) -> Evaluation:
    """Predict every image of a split and count.

    Args: perturb: what is done to the images first, for instance a Perturbation of evaluation/robustness.py.
        count: who does it, pair by pair in their order; None: this process, from files of this machine, with the measures.
        measures: what is counted beside the confusion matrix.
    Raises: UsageError for classes that differ, images or masks that are missing, unreadable or do not fit.
    """
    class_table(predictor, description)
    pairs = list_pairs(description, split)
    counted: list[Counted] = []
    for one in (
        count_pairs(predictor, description, pairs, 0, perturb, None, measures) if count is None else count(pairs)
    ):
        counted.append(one)
        progress(len(counted), len(pairs))
    if (mixed := mixed_meanings([one.read for one in counted])) is not None:
        raise UsageError(mixed)
    matrices = [one.matrix for one in counted]
    remarks = as_lines([remark for one in counted for remark in one.remarks])
    scores = Scores(tuple(predictor.info.names), np.sum(matrices, axis=0), len(pairs))
    names = scores.names
    boundaries = [
        BoundaryScores(names, one.boundary, measures.boundary or 0.0) for one in counted if one.boundary is not None
    ]
    calibrations = [Calibration(one.calibration) for one in counted if one.calibration is not None]
    return Evaluation(scores, pairs, matrices, remarks, boundaries, calibrations)


def count_pairs(
    predictor: AnyPredictor,
    description: DataDescription,
    pairs: Sequence[Pair],
    first: int = 0,
    perturb: Perturb | None = None,
    mirror: Mirror | None = None,
    measures: Measures = NOTHING_MORE,
) -> Iterator[Counted]:
    """Each pair, in their order.

    Args: first: number of the first pair in its split, a multiple of BLOCK.  mirror: of data that lies elsewhere.
        measures: what is counted beside the confusion matrix.
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
            matrix = confusion_matrix(mask, prediction.classes, n_classes)
            yield Counted(matrix, sample.read, sample.remarks, *measured(mask, prediction, n_classes, measures))
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
    found = read_together(pair, names)
    image, read = found.required()
    said = (*read.remarks, *remarks_on(pair.image, found.void))
    remarks = [Problem(kind, text, warning=True) for kind, text in said]
    return _Sample(image, with_ignored(read.classes, found.void, IGNORE), read.without_pixels(), remarks)


def read_pair(pair: Pair, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Image (H, W, C) and mask (H, W), ignored where the image has no value. Raises: UsageError as evaluate."""
    sample = _read(pair, names)
    return sample.image, sample.mask
