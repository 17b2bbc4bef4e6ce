"""Images of any size through any predictor, tile by tile, in memory that depends only on the width of the image."""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imexseg.data.read.as_trained import as_trained
from imexseg.data.read.windows import ImageSource, array_source
from imexseg.errors import UsageError
from imexseg.inference.open import AnyPredictor
from imexseg.inference.overlap import overlap_for, seen_radius
from imexseg.inference.prediction import Prediction, most_probable

SMALLEST_TILE = 64  # pixels
GRID = 32  # pixels: tiles begin at its multiples
COMPARED_PIXELS = 1 << 21  # at most so many at once, to say what tiling changes


@dataclass(frozen=True)
class Block:
    """A finished piece of the answer. Shapes: probabilities (num_classes, h, w), its corner at (row, column)."""

    row: int
    column: int
    probabilities: np.ndarray


def positions(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin along one side: about evenly spaced, at multiples of 32 pixels, sharing at least the overlap.

    A network that works on a coarser grid, of a stride up to 32, lays that grid in a tile as in the whole image only if the
    tile begins on it. For that the last tile may be up to 31 pixels shorter than the others.
    """
    if length <= tile:
        return [0]
    last = -(-(length - tile) // GRID)
    n_steps = -(-last // max(1, (tile - overlap) // GRID))
    return [GRID * (i * last // n_steps) for i in range(n_steps + 1)]


def ramps(starts: list[int], length: int, tile: int, radius: int) -> list[np.ndarray]:
    """Weights of each tile along one side, which add up to 1 at every pixel.

    Where two tiles share m pixels, the outer min(r, (m-1)/2) pixels of each count nothing, since they may depend on what the
    tile does not show; between them the weight falls as a cosine (Hann).
    """
    sizes = [min(tile, length - start) for start in starts]
    weights = [np.ones(size) for size in sizes]
    for i in range(len(starts) - 1):
        shared = starts[i] + sizes[i] - starts[i + 1]
        margin = min(radius, max(0, (shared - 1) // 2))
        steps = shared - 2 * margin
        falling = np.zeros(shared)
        falling[:margin] = 1
        falling[margin : margin + steps] = 0.5 + 0.5 * np.cos(np.pi * (np.arange(steps) + 0.5) / steps)
        weights[i][sizes[i] - shared :] *= falling
        weights[i + 1][:shared] *= 1 - falling
    total = np.zeros(length)  # 1 already, but for pixels that three tiles share
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + len(weight)] += weight
    return [
        (weight / total[start : start + len(weight)]).astype(np.float32)
        for start, weight in zip(starts, weights, strict=True)
    ]


def predict_blocks(
    predictor: AnyPredictor,
    source: ImageSource,
    tile: int,
    overlap: int,
    radius: int,
    name: str | Path = "image",
    progress: Callable[[int, int], None] = lambda n_done, n_total: None,
) -> Iterator[Block]:
    """Blocks that cover the image once, from the top, each row of them from the left; its pixels are as the training images'.

    Memory: num_classes · 4 bytes · (overlap · width of the image + a few tiles).
    Raises: as predictor.predict.
    """
    height, width, _ = source.shape
    tops, lefts = positions(height, tile, overlap), positions(width, tile, overlap)
    down, across = ramps(tops, height, tile, radius), ramps(lefts, width, tile, radius)
    shared_rows = max((top + tile - later for top, later in itertools.pairwise(tops)), default=0)
    carried: np.ndarray | None = None  # (classes, shared_rows, width): what the tiles above have said of the rows here
    for i, top in enumerate(tops):
        n_final = (tops[i + 1] if i + 1 < len(tops) else height) - top
        kept: np.ndarray | None = None  # (classes, rows, columns): what the tiles to the left have said
        for j, left in enumerate(lefts):
            next_left = lefts[j + 1] if j + 1 < len(lefts) else width
            piece = source.read(slice(top, min(top + tile, height)), slice(left, min(left + tile, width)))
            said = predictor.segment(piece, name).probabilities
            said = said * down[i][:, None] * across[j][None, :]
            if kept is not None:
                said[:, :, : kept.shape[2]] += kept
            done, kept = said[:, :, : next_left - left], said[:, :, next_left - left :].copy()
            if shared_rows:
                if carried is None:
                    carried = np.zeros((said.shape[0], shared_rows, width), dtype=np.float32)
                columns = slice(left, next_left)
                done[:, :shared_rows] += carried[:, : done.shape[1], columns]
                later = done[:, n_final:]
                carried[:, : later.shape[1], columns] = later
                carried[:, later.shape[1] :, columns] = 0
            yield Block(top, left, done[:, :n_final])
            progress(i * len(lefts) + j + 1, len(tops) * len(lefts))


class TiledPredictor:
    """A predictor that cuts images larger than a tile into pieces. It has the interface of the one that it wraps.

    Args: tile: side in pixels, at least 64.  overlap: pixels, None: by the rule of overlap.py.  compared: pixels at most that
        `disagreement` shows the network at once.
    Raises: UsageError for a tile that is too small.
    """

    def __init__(self, predictor: AnyPredictor, tile: int, overlap: int | None = None, compared: int = COMPARED_PIXELS):
        if tile < SMALLEST_TILE:
            raise UsageError(f"--tile {tile}: is too small to see anything; give at least {SMALLEST_TILE}")
        if predictor.long_side is not None:
            raise UsageError(
                f"--tile {tile}: these weights see every image as a whole, scaled to {predictor.long_side} px; leave out --tile"
            )
        self.predictor = predictor
        self.info = predictor.info
        self.gives_probabilities = predictor.gives_probabilities
        self.parameters = predictor.parameters
        self.long_side: int | None = predictor.long_side
        self.tile = tile
        self.compared = compared
        self.seen_radius = self.radius = seen_radius(predictor)
        self.overlap, self.enough = overlap_for(self.radius, tile) if overlap is None else (overlap, True)

    def blocks(
        self,
        source: ImageSource,
        name: str | Path = "image",
        progress: Callable[[int, int], None] = lambda n_done, n_total: None,
    ) -> Iterator[Block]:
        """As predict_blocks, with the tiles of this predictor."""
        return predict_blocks(self.predictor, source, self.tile, self.overlap, self.radius, name, progress)

    def predict(self, image: np.ndarray, name: str | Path = "image") -> Prediction:
        """The whole answer in memory, for images that are not too large for that."""
        return self.segment(as_trained(image, self.info, name)[0], name)

    def segment(self, image: np.ndarray, name: str | Path = "image") -> Prediction:
        """As predict, for pixels as the training images have them."""
        if max(image.shape[:2]) <= self.tile:
            return self.predictor.segment(image, name)
        probabilities: np.ndarray | None = None
        pieces = predict_blocks(self.predictor, array_source(image), self.tile, self.overlap, self.radius, name)
        for block in pieces:
            n_classes, height, width = block.probabilities.shape
            if probabilities is None:
                probabilities = np.empty((n_classes, *image.shape[:2]), dtype=np.float32)
            probabilities[:, block.row : block.row + height, block.column : block.column + width] = block.probabilities
        assert probabilities is not None  # an image has at least one tile
        return Prediction(most_probable(probabilities), probabilities)

    def predict_batch(self, images: list[np.ndarray], name: str | Path = "image") -> list[Prediction]:
        """One after the other: tiles are large enough to fill a device."""
        return [self.predict(image, name) for image in images]

    def adaptation(self, image: np.ndarray) -> str | None:
        """What becomes of each tile in a network of a fixed size."""
        return self.predictor.adaptation(image[: self.tile, : self.tile])

    def disagreement(self, source: ImageSource, name: str | Path = "image") -> "Disagreement | None":
        """Tiles against the whole image, or against a window in its middle where the whole is too large for one look.

        Args: source: with pixels as the training images have them.

        None if the window is no larger than a tile.
        """
        limit = max(self.tile, min(2 * self.tile, math.isqrt(self.compared)))
        sides = [min(side, limit) for side in source.shape[:2]]
        if max(sides) <= self.tile:
            return None
        corner = [(side - wanted) // 2 for side, wanted in zip(source.shape[:2], sides, strict=True)]
        window = source.read(*(slice(start, start + side) for start, side in zip(corner, sides, strict=True)))
        whole, tiled = self.predictor.segment(window, name), self.segment(window, name)
        differ = float((whole.classes != tiled.classes).mean())
        largest = float(np.abs(whole.probabilities - tiled.probabilities).max())
        return Disagreement(differ, largest, (sides[0], sides[1]), is_whole=tuple(sides) == source.shape[:2])


@dataclass(frozen=True)
class Disagreement:
    """pixels: share that has another class.  probability: the largest difference.  size: (H, W) that was compared."""

    pixels: float
    probability: float
    size: tuple[int, int]
    is_whole: bool
