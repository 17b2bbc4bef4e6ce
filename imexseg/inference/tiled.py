"""`imexseg predict` for an image that is too large to be segmented as a whole: read, segment and write it piece by piece."""

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from imexseg.data.description.labels import IGNORE
from imexseg.data.read.frames import first_of_several
from imexseg.data.read.georeference import read_georeference
from imexseg.data.read.windows import ImageSource, open_image, source_as_trained
from imexseg.errors import ImexsegError, WriteError
from imexseg.files import appearing_whole, write_atomically
from imexseg.inference.allocator import give_back_freed_memory
from imexseg.inference.areas import Areas
from imexseg.inference.image_files import Wanted, beside
from imexseg.inference.pipeline import Job, Result
from imexseg.inference.prediction import most_probable
from imexseg.inference.scale import other_size
from imexseg.inference.tiled_confidence import Shares
from imexseg.inference.tiling import Block, Disagreement
from imexseg.inference.write_mask import ignored_value, in_values, needs_tiff, write_mask
from imexseg.inference.write_picture import overlay, png_bytes

_COUNTED_AT_ONCE = 1 << 20  # pixels: counting takes eight bytes of each
NOTHING_MORE = Wanted()
PICTURE = 4096  # pixels: the overlay of a larger image is made smaller by a whole number


class Piecewise(Protocol):
    """TiledPredictor, ReducedPredictor."""

    info: Any
    long_side: int | None

    def blocks(
        self, source: ImageSource, name: str | Path, progress: Callable[[int, int], None]
    ) -> Iterator[Block]: ...

    def disagreement(self, source: ImageSource, name: str | Path) -> Disagreement | None: ...


# Who segments an image, and why in pieces, in words, if that should be said. Raises: UsageError.
Choose = Callable[[ImageSource, Path], tuple[Piecewise, str | None]]


@dataclass(frozen=True)
class TiledResult(Result):
    """disagreement: of tiles and whole, where they were compared."""

    disagreement: Disagreement | None = None


def predict_images_tiled(
    choose: Choose,
    jobs: Sequence[Job],
    wanted: Wanted,
    progress: Callable[[int, int], None] = lambda n_done, n_total: None,
    compare: bool = True,
    say: Callable[[Path, str], None] = lambda path, text: None,
) -> Generator[TiledResult, None, None]:
    """One result an image, one after the other.

    Args: wanted: all but the probabilities.  progress: of the tiles of each image.  compare: tiles and whole, until there was
        something to compare.  say: is told of an image, before it takes its time, why it is cut.
    Raises: WriteError if a file cannot be written.
    """
    for job in jobs:
        try:
            result = predict_tiled(choose, job, compare, progress, wanted, say)
        except WriteError:
            raise  # it would be the same for the next image
        except ImexsegError as error:
            result = TiledResult(job, error=str(error))
        compare = compare and result.disagreement is None
        yield result


def predict_tiled(
    choose: Choose,
    job: Job,
    compare: bool,
    progress: Callable[[int, int], None],
    wanted: Wanted = NOTHING_MORE,
    say: Callable[[Path, str], None] = lambda path, text: None,
) -> TiledResult:
    """Write target_mask.png, or .tif from 100 megapixels on, and target_overlay.png; of a GeoTIFF both masks; if asked for,
    target_confidence.png, or .tif.

    Args: compare: also predict the whole, or a window of it, at once.
    Raises: UsageError for an image that cannot be read, WriteError if a file cannot be written.
    """
    path, target = job.path, job.target
    source = open_image(path)
    height, width, _ = source.shape
    predictor, reason = choose(source, path)
    if reason is not None:
        say(path, reason)
    picture = _Picture(source)
    georeference, lost = read_georeference(path)
    pixels, converted = source_as_trained(source, predictor.info, path, wanted.white)
    counted = _Counted(source)
    values = predictor.info.values
    with contextlib.ExitStack() as stack:
        shares = stack.enter_context(Shares((height, width), predictor.info.temperature)) if wanted.confidence else None
        strips = picture.watch(counted.ignored(_strips(predictor, pixels, path, progress, shares)))
        numbers = (in_values(strip, values) for strip in strips)

        def appearing(ending: str, is_wanted: bool) -> Path | None:
            return stack.enter_context(appearing_whole(beside(target, ending))) if is_wanted else None

        large = needs_tiff(source.n_pixels)
        png, tiff = appearing("_mask.png", not large), appearing("_mask.tif", large or bool(georeference))
        nodata = None if source.void is None else ignored_value(values)
        write_mask(numbers, height, width, png, tiff, georeference, nodata)
        if shares is not None:
            png, tiff = appearing("_confidence.png", not large), appearing("_confidence.tif", large)
            write_mask(shares.strips(source), height, width, png, tiff)
    small = overlay(picture.image, picture.mask, predictor.info.palette)
    write_atomically(beside(target, "_overlay.png"), png_bytes(small))
    scale = other_size(predictor.info, predictor.long_side, height, width)
    remarks = [remark for remark in (reason, first_of_several(path), converted, lost, scale) if remark is not None]
    areas = Areas((height, width), counted.pixels[: len(values)].tolist(), int(counted.pixels[IGNORE]))
    return TiledResult(job, None, areas, remarks, predictor.disagreement(pixels, path) if compare else None)


def _strips(
    predictor: Piecewise,
    source: ImageSource,
    path: Path,
    progress: Callable[[int, int], None],
    shares: Shares | None,
) -> Iterator[np.ndarray]:
    """Class numbers of whole rows, (rows, width) uint8, from the top. Args: shares: takes the confidence, if anybody wants it."""
    strip: np.ndarray | None = None
    for block in predictor.blocks(source, path, progress):
        _, rows, columns = block.probabilities.shape
        if strip is None:
            strip = np.empty((rows, source.shape[1]), dtype=np.uint8)
        strip[:, block.column : block.column + columns] = most_probable(block.probabilities)
        if shares is not None:
            shares.add(block)
        give_back_freed_memory()
        if block.column + columns == source.shape[1]:
            yield strip
            strip = None


class _Counted:
    """Ignores the pixels that mean nothing, and counts those of each class. pixels: by class number, 255 for ignored ones."""

    def __init__(self, source: ImageSource):
        self.source = source
        self.pixels = np.zeros(IGNORE + 1, dtype=np.int64)

    def ignored(self, strips: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        top = 0
        for strip in strips:
            rows, columns = slice(top, top + len(strip)), slice(0, strip.shape[1])
            void = None if self.source.void is None else self.source.void(rows, columns)
            if void is not None:
                strip[void] = IGNORE
            step = max(1, _COUNTED_AT_ONCE // strip.shape[1])
            for first in range(0, len(strip), step):
                self.pixels += np.bincount(strip[first : first + step].ravel(), minlength=IGNORE + 1)
            top += len(strip)
            yield strip


class _Picture:
    """Every k-th pixel of image and mask, so that a person can look at the whole."""

    def __init__(self, source: ImageSource):
        self.source = source
        height, width, channels = source.shape
        self.step = max(1, -(-max(height, width) // PICTURE))
        shape = (-(-height // self.step), -(-width // self.step))
        self.bands = min(3, channels)
        self.image = np.empty((*shape, self.bands), dtype=source.dtype)
        self.mask = np.empty(shape, dtype=np.uint8)

    def watch(self, strips: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """The strips as they are; what the picture needs of them is kept."""
        top, step = 0, self.step
        for strip in strips:
            first = -top % step
            if first < len(strip):
                pixels = self.source.read(slice(top, top + len(strip)), slice(0, strip.shape[1]))
                row = -(-top // step)
                chosen = strip[first::step, ::step]
                self.mask[row : row + len(chosen)] = chosen
                self.image[row : row + len(chosen)] = pixels[first::step, ::step, : self.bands]
            top += len(strip)
            yield strip
