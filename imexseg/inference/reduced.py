"""Images of any size for weights that see every image as a whole, scaled to one size: made smaller strip by strip, segmented,
and the answer made larger strip by strip.

The scaling inside the network does the rest. It averages over the same pixels in one step where this takes two, and classes are
chosen from interpolated probabilities instead of logits: the masks differ from those of the whole in a few pixels along edges.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from imexseg.data.read.windows import ImageSource
from imexseg.inference.open import AnyPredictor
from imexseg.inference.prediction import most_probable
from imexseg.inference.tiling import Block, Disagreement

STRIP = 1 << 19  # pixels of the image that are read, or answered, at once
COMPARED_PIXELS = 1 << 21  # an image up to this size is also segmented as a whole, to say what this changes


class ReducedPredictor:
    """A predictor for images that are averaged over squares of `factor` pixels first. Has what predict_tiled needs."""

    def __init__(self, predictor: AnyPredictor, factor: int):
        self.predictor = predictor
        self.info = predictor.info
        self.long_side = predictor.long_side
        self.factor = factor

    def blocks(
        self,
        source: ImageSource,
        name: str | Path = "image",
        progress: Callable[[int, int], None] = lambda n_done, n_total: None,
    ) -> Iterator[Block]:
        """Strips that cover the image once, from the top, as wide as it is; its pixels are as the training images'."""
        height, width, _ = source.shape
        small = self._averaged(source)
        answer = self.predictor.segment(small, name).probabilities
        rows = max(1, STRIP // width)
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            yield Block(top, 0, self._enlarged(answer, top, bottom, width))
            progress(bottom, height)

    def disagreement(self, source: ImageSource, name: str | Path = "image") -> Disagreement | None:
        """With the image segmented as a whole, if it is small enough for that."""
        height, width, _ = source.shape
        if height * width > COMPARED_PIXELS:
            return None
        whole = self.predictor.segment(source.read(slice(0, height), slice(0, width)), name)
        parts = np.concatenate([block.probabilities for block in self.blocks(source, name)], axis=1)
        differ = float((most_probable(parts) != whole.classes).mean())
        return Disagreement(differ, float(np.abs(parts - whole.probabilities).max()), (height, width), is_whole=True)

    def _averaged(self, source: ImageSource) -> np.ndarray:
        """Shapes: → (⌈H/factor⌉, ⌈W/factor⌉, C), the type of the image. Squares that reach over an edge repeat it."""
        height, width, n_channels = source.shape
        f = self.factor
        size = (-(-height // f), -(-width // f))
        small = np.empty((*size, n_channels), source.dtype)
        rows = max(1, STRIP // (f * width))
        for top in range(0, size[0], rows):
            bottom = min(top + rows, size[0])
            pixels = source.read(slice(top * f, min(bottom * f, height)), slice(0, width))
            for c in range(n_channels):  # OpenCV takes four at once, no more
                plane = np.ascontiguousarray(pixels[..., c])
                missing = ((bottom - top) * f - plane.shape[0], size[1] * f - width)
                if any(missing):
                    plane = cv2.copyMakeBorder(plane, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE)
                small[top:bottom, :, c] = cv2.resize(plane, (size[1], bottom - top), interpolation=cv2.INTER_AREA)
        return small

    def _enlarged(self, answer: np.ndarray, top: int, bottom: int, width: int) -> np.ndarray:
        """Rows of the answer at the image's own size, bilinear. Shapes: (classes, h, w) → (classes, bottom - top, width)."""
        f, last = self.factor, answer.shape[1] - 1
        at = (np.arange(top, bottom) + 0.5) / f - 0.5
        above = np.floor(at).astype(int)
        share = (at - above).astype(np.float32)[:, None]
        out = np.empty((len(answer), bottom - top, width), np.float32)
        for plane, target in zip(answer, out, strict=True):
            upper, lower = plane[above.clip(0, last)], plane[(above + 1).clip(0, last)]
            rows = upper + share * (lower - upper)
            wide = cv2.resize(rows, (f * answer.shape[2], len(rows)), interpolation=cv2.INTER_LINEAR)
            target[:] = wide[:, :width]
        return out
