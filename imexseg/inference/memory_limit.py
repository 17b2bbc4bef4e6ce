"""How an image is segmented in bounded memory: whole where it fits, else in tiles, or, by weights that see every image as a
whole at one scale, made smaller first. What is chosen depends on the sizes, the weights and the limit alone.
"""

import os
from functools import cached_property
from pathlib import Path

from imexseg.data.read.windows import ImageSource
from imexseg.errors import UsageError
from imexseg.inference.open import SharedPredictor
from imexseg.inference.overlap import overlap_for, seen_radius
from imexseg.inference.reduced import STRIP, ReducedPredictor
from imexseg.inference.tiled import PICTURE
from imexseg.inference.tiling import COMPARED_PIXELS, GRID, SMALLEST_TILE, TiledPredictor, positions
from imexseg.units import in_memory

DEFAULT_LIMIT = 2 << 30  # bytes: fixed, so that masks do not depend on the machine
LEAST_ROOM = 1 << 29  # bytes for an image, where nobody has set a limit
TILES = [*range(SMALLEST_TILE, 512, GRID), *range(512, 2048, 128), *range(2048, 8193, 256)]  # pixels
NEARLY = 1.02  # of the least work: not worth more memory
RESIDENT_STEP = 128 << 20  # bytes to which the program's own memory is rounded up, so that trifles decide nothing
PICTURE_BYTES = 20  # a pixel of the overlay of a large image, when it is put together: colours, opacity, encoding
GAPS = 8
LEAST_REDUCED = (
    4  # times the side at which weights see an image: averaged to less, beyond 2 x 2, masks would change notably
)
ENOUGH = 4000  # bytes a pixel, with which every network does
BESIDE_NETWORK = 24  # bytes a pixel of a whole image, with three channels: as read, as trained, its overlay


def resident_bytes() -> int:
    """Memory that this process has, rounded up; where the system does not tell, the most that it had, or what torch takes.

    (On Linux the most is no use: a process inherits it from the one that starts it.)
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        now = pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        try:
            import resource

            now = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
        except ImportError:
            now = 1 << 30
    return -(-now // RESIDENT_STEP) * RESIDENT_STEP


class MemoryLimit:
    """Chooses how each image is segmented.

    Args: limit: bytes of the whole process; None: DEFAULT_LIMIT, or what leaves LEAST_ROOM to a program that is large itself.
        resident: bytes that it has without any image; None: what it has now.
    Raises: UsageError if the program itself takes more than the limit.
    """

    def __init__(self, predictor: SharedPredictor, limit: int | None, resident: int | None = None):
        self.predictor = predictor
        self.resident = resident_bytes() if resident is None else resident
        self.limit = max(DEFAULT_LIMIT, self._with_gaps(LEAST_ROOM)) if limit is None else limit
        self.n_classes = len(predictor.info.names)
        self.n_channels = predictor.info.in_channels
        if self.room <= 0:
            least = self._with_gaps(self._tile_bytes(SMALLEST_TILE, SMALLEST_TILE))
            raise UsageError(
                f"--max-memory {in_memory(self.limit)}: is too small for any tile: the program with its weights takes "
                f"{in_memory(self.resident)} already; give {in_memory(least)} or more"
            )

    def _with_gaps(self, n_bytes: int) -> int:
        """The limit with which there is so much room."""
        return -(-(self.resident + n_bytes) * GAPS // (GAPS - 1))

    @cached_property
    def room(self) -> int:
        """Bytes that are left for an image. Blocks of many sizes leave gaps between them: an eighth is set aside for that."""
        return self.limit - self.limit // GAPS - self.resident

    def whole_bytes(self, height: int, width: int) -> int:
        """What an image takes that is segmented as a whole."""
        return self.predictor.footprint.of(height * width) + BESIDE_NETWORK * height * width

    def _most_pixels(self, room: int) -> int:
        """Of a whole image that takes no more than so many bytes."""
        footprint = self.predictor.footprint
        return max(0, int((room - footprint.fixed) / (footprint.per_pixel + BESIDE_NETWORK)))

    def fits(self, height: int, width: int, at_once: int = 1) -> bool:
        """Whether so many images of this size may be segmented as wholes, side by side."""
        n_pixels = height * width
        if n_pixels * ENOUGH * at_once <= self.room:  # most images: the network need not be asked
            return True
        return self.whole_bytes(height, width) * at_once <= self.room

    def pieces(self, source: ImageSource, name: str | Path) -> "TiledPredictor | ReducedPredictor":
        """Who segments an image that does not fit. Raises: UsageError saying what is needed if nothing will do."""
        height, width, _ = source.shape
        if self.predictor.long_side is not None:
            return self._reduced(height, width, source, name)
        needs = {tile: self._need(tile, source) for tile in TILES}
        fitting = [tile for tile, need in needs.items() if need <= self.room]
        if not fitting:
            raise self._too_small(name, source, "for any tile", self._with_gaps(min(needs.values())))
        works = {tile: self._work(tile, height, width) for tile in fitting if self._overlaps_enough(tile)}
        # Where no tile shows all that a pixel sees, every one computes four times the image: the largest changes least.
        tile = next((tile for tile, work in works.items() if work <= NEARLY * min(works.values())), fitting[-1])
        return TiledPredictor(
            self.predictor, tile, compared=min(COMPARED_PIXELS, self._most_pixels(self.room - source.held))
        )

    def reason(self, source: ImageSource, chosen: "TiledPredictor | ReducedPredictor") -> str:
        """In words, why an image is not segmented as a whole, and what is done instead."""
        height, width, _ = source.shape
        whole = (
            f"{width} x {height} px as a whole would take {in_memory(self.resident + self.whole_bytes(height, width))}"
        )
        limit = f"{in_memory(self.limit)} (--max-memory)"
        if isinstance(chosen, ReducedPredictor):
            return (
                f"{whole}; averaged to {-(-width // chosen.factor)} x {-(-height // chosen.factor)} px first, to stay below "
                f"{limit}; the weights see it at {self.predictor.long_side} px in any case"
            )
        how = (
            "which compute least among those that stay below"
            if chosen.enough
            else f"the largest that stay below; one pixel sees {chosen.radius} px to each side, so more would change less than"
        )
        return f"{whole}; cut into tiles of {chosen.tile} px, {how} {limit}"

    def _reduced(self, height: int, width: int, source: ImageSource, name: str | Path) -> ReducedPredictor:
        """Averages over as few pixels as memory allows."""
        long_side = self.predictor.long_side
        assert long_side is not None
        factor = 2
        strip = STRIP * (8 * self.n_classes + 12 * source.shape[2])
        while True:
            n_pixels = -(-height // factor) * -(-width // factor)
            answer = n_pixels * (self.n_channels * source.dtype.itemsize + 4 * self.n_classes)
            network = self.predictor.footprint.of(n_pixels)
            need = source.held + max(network, answer + max(strip, _picture_bytes(source)))
            if need <= self.room:
                return ReducedPredictor(self.predictor, factor)
            if max(height, width) < LEAST_REDUCED * (factor + 1) * long_side:
                raise self._too_small(name, source, "for this image", self._with_gaps(need))
            factor += 1

    def _too_small(self, name: str | Path, source: ImageSource, what: str, need: int) -> UsageError:
        height, width, _ = source.shape
        held = f" ({in_memory(source.held)} of it for the image itself)" if source.held else ""
        return UsageError(
            f"{name}: --max-memory {in_memory(self.limit)} is too small {what} of {width} x {height} px; give "
            f"{in_memory(need)}{held} or more"
        )

    def _work(self, tile: int, height: int, width: int) -> int:
        """Pixels that the network computes, those of every tile counted."""
        overlap, _ = overlap_for(seen_radius(self.predictor), tile)
        sides = [sum(min(tile, side - start) for start in positions(side, tile, overlap)) for side in (height, width)]
        return sides[0] * sides[1]

    def _overlaps_enough(self, tile: int) -> bool:
        return overlap_for(seen_radius(self.predictor), tile)[1]

    def _tile_bytes(self, tile: int, width: int) -> int:
        """The network, what tiles share, and a strip of the mask; see predict_blocks."""
        overlap, _ = overlap_for(seen_radius(self.predictor), tile)
        shared = min(tile, overlap + GRID) * width + 4 * tile * tile
        return self.predictor.footprint.of(tile * tile) + 4 * self.n_classes * shared + 4 * tile * width

    def _need(self, tile: int, source: ImageSource) -> int:
        """With the image itself, a strip of it, and the picture of the whole, which grows and in the end is put together."""
        _, width, n_channels = source.shape
        strip = tile * width * n_channels * source.dtype.itemsize
        picture = _picture_bytes(source)
        at_the_end = self.predictor.footprint.of(tile * tile) + picture  # some libraries keep the memory of tiles
        return source.held + max(self._tile_bytes(tile, width) + strip + picture // 4, at_the_end)


def _picture_bytes(source: ImageSource) -> int:
    return PICTURE_BYTES * min(PICTURE**2, source.n_pixels)
