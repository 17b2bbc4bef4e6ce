"""The confidence of a large image, which comes block by block beside the mask: kept in a file until the mask is written."""

from collections.abc import Iterator

import numpy as np

from imexseg.data.read.windows import ImageSource
from imexseg.inference.confidence import as_grey, confidence
from imexseg.inference.tiling import Block
from imexseg.storage.scratch import scratch_folder

_ROWS = 256  # of one strip


class Shares:
    """A `with` block with a temporary file of one byte a pixel.

    Args: size: (H, W) of the image.  temperature: of the weights, None: 1.
    """

    def __init__(self, size: tuple[int, int], temperature: float | None):
        self.size, self.temperature = size, temperature or 1.0

    def __enter__(self) -> "Shares":
        self._scratch = scratch_folder()
        folder = self._scratch.__enter__()
        self._grey = np.memmap(folder / "confidence", np.uint8, "w+", shape=self.size)
        return self

    def __exit__(self, *error: object) -> None:
        del self._grey
        self._scratch.__exit__(None, None, None)

    def add(self, block: Block) -> None:
        _, rows, columns = block.probabilities.shape
        place = slice(block.row, block.row + rows), slice(block.column, block.column + columns)
        self._grey[place] = as_grey(confidence(block.probabilities, self.temperature))

    def strips(self, source: ImageSource) -> Iterator[np.ndarray]:
        """Whole rows from the top, (rows, W) uint8, 0 where the source means nothing."""
        for top in range(0, self.size[0], _ROWS):
            strip = np.array(self._grey[top : top + _ROWS])
            void = None if source.void is None else source.void(slice(top, top + len(strip)), slice(0, self.size[1]))
            yield strip if void is None else np.where(void, np.uint8(0), strip)
