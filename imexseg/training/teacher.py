"""What other networks say of the training images: asked once, and kept on disk as far as the room for it goes."""

import hashlib
import io
import itertools
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imexseg.data.check.scan import SplitFacts
from imexseg.data.pairs.files import file_key, find_files
from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES
from imexseg.data.read.as_trained import to_channels
from imexseg.data.read.images import read_image
from imexseg.errors import UsageError
from imexseg.files import write_atomically
from imexseg.inference.open import AnyPredictor, open_predictor
from imexseg.models.weights import find_weights
from imexseg.numerics.scaling import seen_size
from imexseg.training.config import RunConfig

CACHE = "teacher"  # in the run folder, while the run goes on
LEAST = -30.0  # log-probabilities below are cut off: the numbers stay in the range of float16


@dataclass(frozen=True)
class Unlabelled:
    """Images without masks. sizes: (H, W) of each, in pixels."""

    paths: list[Path]
    sizes: list[tuple[int, int]]


class Teacher:
    """(number, image) ↦ log of the mean probability over the weights given. Shapes: (H, W, C) → (H, W, classes) float32.

    Rounded to float16 whether it comes from the disk or not, so that what a student learns does not depend on the room there.
    Args: paths, sizes: of the images by number, as the student sees them.  names: the classes in the order of the data.
    """

    def __init__(
        self,
        weights: Sequence[str],
        names: Sequence[str],
        paths: Sequence[Path],
        sizes: Sequence[tuple[int, int]],
        folder: Path,
        cache_bytes: float,
    ):
        self.weights, self.names, self.paths = list(weights), list(names), list(paths)
        self.folder = folder / CACHE
        needed = itertools.accumulate(2 * len(names) * height * width for height, width in sizes)
        self.n_kept = sum(total <= cache_bytes for total in needed)  # the first ones, whoever asks in which order
        self._checksums = [_checksum(path) for path in map(_file, self.weights)]
        self._predictors: list[AnyPredictor] = []  # opened by the process that asks: a loader's worker may be another

    def __call__(self, number: int, image: np.ndarray) -> np.ndarray:
        if number >= self.n_kept:
            return self._ask(number, image).astype(np.float32)
        path = self.folder / f"{number:06d}-{self._key(number)}.npy"
        try:
            answer = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            answer = None
        if answer is None or answer.shape != (*image.shape[:2], len(self.names)):
            answer = self._ask(number, image)
            self.folder.mkdir(parents=True, exist_ok=True)
            buffer = io.BytesIO()
            np.save(buffer, answer)
            write_atomically(path, buffer.getvalue())
        return answer.astype(np.float32)

    def _ask(self, number: int, image: np.ndarray) -> np.ndarray:
        self._predictors = self._predictors or [open_predictor(weights) for weights in self.weights]
        answers = [
            predictor.predict(image, self.paths[number]).probabilities[
                [predictor.info.names.index(n) for n in self.names]
            ]
            for predictor in self._predictors
        ]
        mean = np.mean(answers, axis=0, dtype=np.float64)
        return np.log(np.maximum(mean, np.exp(LEAST))).astype(np.float16).transpose(1, 2, 0)

    def _key(self, number: int) -> str:
        """Of everything that the answer depends on: an image that was changed is asked again."""
        file = self.paths[number].stat()
        told = (*self._checksums, self.names, str(self.paths[number].resolve()), file.st_size, file.st_mtime_ns)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def facts(self) -> list[str]:
        """Which weights they were, for the card of the student: where they lie is nobody's business."""
        return [
            f"{_file(weights).name} (sha256 {checksum[:12]})"
            for weights, checksum in zip(self.weights, self._checksums, strict=True)
        ]

    def forget(self) -> None:
        """Remove what is on disk."""
        shutil.rmtree(self.folder, ignore_errors=True)


def find_teacher(
    config: RunConfig, names: Sequence[str], train: SplitFacts, folder: Path
) -> tuple[Teacher, Unlabelled]:
    """The teacher of a run, and the images without masks that join. Raises: UsageError as check_teacher."""
    unlabelled = find_unlabelled(config.unlabelled, train)
    sizes = [*train.sizes, *unlabelled.sizes]
    if config.long_side is not None:
        sizes = [seen_size(*size, config.long_side) for size in sizes]
    paths = [*(pair.image for pair in train.pairs), *unlabelled.paths]
    return Teacher(config.teacher, names, paths, sizes, folder, config.distillation.cache * 1e9), unlabelled


def check_teacher(config: RunConfig, names: Sequence[str], train: SplitFacts) -> None:
    """Before anything is written. Raises: UsageError for weights that do not exist, of other classes or channels, or that cannot
    take the images, and for images without masks that differ from those with."""
    for weights in config.teacher:
        predictor = open_predictor(weights)
        _require_alike(weights, predictor, names, train)
        predictor.predict(read_image(train.pairs[0].image), train.pairs[0].image)
    find_unlabelled(config.unlabelled, train)


def _require_alike(weights: str, predictor: Any, names: Sequence[str], train: SplitFacts) -> None:
    info = predictor.info
    if sorted(info.names) != sorted(names):
        raise UsageError(
            f"--teacher {weights}: knows the classes {', '.join(info.names)}, but those of the data are {', '.join(names)}; "
            "give one that was trained on the same classes"
        )
    if info.in_channels != train.channels:
        raise UsageError(
            f"--teacher {weights}: takes images of {info.in_channels} channels, but those of the data have {train.channels}; "
            "give one that was trained on such images"
        )
    if "probabilities" not in getattr(predictor, "outputs", ["probabilities"]):
        raise UsageError(f"--teacher {weights}: gives classes only; export it again with --probabilities")


def find_unlabelled(folder: Path | None, train: SplitFacts) -> Unlabelled:
    """Every image below a folder, read once. Raises: UsageError naming the file that cannot join."""
    if folder is None:
        return Unlabelled([], [])
    if not folder.is_dir():
        raise UsageError(f"--unlabelled {folder}: no such folder; give one with images")
    paths = sorted(find_files(folder, IMAGE_SUFFIXES).files, key=lambda path: file_key(path, folder))
    if not paths:
        raise UsageError(
            f"--unlabelled {folder}: has no images; give a folder with {', '.join(sorted(IMAGE_SUFFIXES))}"
        )
    sizes = []
    for path in paths:
        image = read_image(path)
        if image.dtype != train.dtype:
            raise UsageError(f"{path}: is {image.dtype}, but the training images are {train.dtype}; store it alike")
        sizes.append(to_channels(image, train.channels, path).shape[:2])
    return Unlabelled(paths, sizes)


def _file(weights: str) -> Path:
    return Path(weights) if weights.lower().endswith(".onnx") else find_weights(weights)


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
