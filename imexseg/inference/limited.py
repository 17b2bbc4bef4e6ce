"""Images of all sizes in bounded memory: those that fit go through the pipeline, the others piece by piece."""

import itertools
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from imexseg.data.read.header import stored_size
from imexseg.data.read.windows import ImageSource
from imexseg.inference.image_files import Wanted
from imexseg.inference.memory_limit import MemoryLimit
from imexseg.inference.open import SharedPredictor
from imexseg.inference.pipeline import Job, Result, is_large, lanes, predict_images
from imexseg.inference.tiled import Piecewise, predict_images_tiled


def predict_images_within(
    predictor: SharedPredictor,
    limit: MemoryLimit,
    jobs: Sequence[Job],
    wanted: Wanted,
    cores: int | None = None,
    progress: Callable[[int, int], None] = lambda n_done, n_total: None,
    compare: bool = True,
    say: Callable[[Path, str], None] = lambda path, text: None,
) -> Generator[Result, None, None]:
    """One result an image, in their order. Close it to end early.

    Args: wanted: without probabilities.  cores: as predict_images.  progress, compare, say: as predict_images_tiled.
    Raises: WriteError if a file cannot be written.
    """
    at_once = lanes(cores, len(jobs))

    def alone(height: int, width: int) -> bool:
        return is_large(height, width) or not limit.fits(height, width, at_once)

    for as_whole, some in itertools.groupby(jobs, lambda job: fits(limit, job.path)):
        if as_whole:
            yield from predict_images(predictor, list(some), wanted, cores, alone)
            continue
        with predictor.threads(None):  # as many as a large image has that is seen as a whole
            for result in predict_images_tiled(chosen_by(limit), list(some), wanted, progress, compare, say):
                compare = compare and result.disagreement is None
                yield result


def fits(limit: MemoryLimit, path: Path) -> bool:
    """Whether the image may be segmented as a whole; True of a file that cannot be read: that is explained where it is read."""
    size = stored_size(path)
    return size is None or limit.fits(*size)


def chosen_by(limit: MemoryLimit) -> Callable[[ImageSource, Path], tuple[Piecewise, str]]:
    """Who segments an image in pieces, and why, in words."""

    def choose(source: ImageSource, path: Path) -> tuple[Piecewise, str]:
        pieces = limit.pieces(source, path)
        return pieces, limit.reason(source, pieces)

    return choose
