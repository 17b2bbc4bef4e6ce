"""`imexseg predict --tile` for one image: read, segment and write it piece by piece."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from imexseg.data.read.windows import ImageSource, open_image, source_as_trained
from imexseg.files import appearing_whole, write_atomically
from imexseg.inference.tiling import Disagreement, TiledPredictor
from imexseg.inference.write_mask import in_values, mask_suffix, write_mask
from imexseg.inference.write_picture import overlay, png_bytes

PICTURE = 4096  # pixels: the overlay of a larger image is made smaller by a whole number


def predict_tiled(
    predictor: TiledPredictor,
    path: Path,
    target: Path,
    compare: bool,
    progress: Callable[[int, int], None],
    white: float | None = None,
) -> Disagreement | None:
    """Write target_mask.png, or .tif from 100 megapixels on, and target_overlay.png.

    Args: compare: also predict the whole, or a window of it, at once. Returns: what differs then.
    Raises: UsageError for an image that cannot be read, JobError if a file cannot be written.
    """
    source = open_image(path)
    height, width, _ = source.shape
    picture = _Picture(source)
    suffix = mask_suffix(source.n_pixels)
    pixels, _ = source_as_trained(source, predictor.info, path, white)
    strips = picture.watch(_strips(predictor, pixels, path, progress))
    with appearing_whole(target.with_name(f"{target.name}_mask{suffix}")) as temporary:
        numbers = (in_values(strip, predictor.info.values) for strip in strips)
        write_mask(temporary, suffix, numbers, height, width)
    small = overlay(picture.image, picture.mask, predictor.info.palette)
    write_atomically(target.with_name(f"{target.name}_overlay.png"), png_bytes(small))
    return predictor.disagreement(pixels, path) if compare else None


def _strips(
    predictor: TiledPredictor, source: ImageSource, path: Path, progress: Callable[[int, int], None]
) -> Iterator[np.ndarray]:
    """Class numbers of whole rows, (rows, width) uint8, from the top."""
    strip: np.ndarray | None = None
    for block in predictor.blocks(source, path, progress):
        _, rows, columns = block.probabilities.shape
        if strip is None:
            strip = np.empty((rows, source.shape[1]), dtype=np.uint8)
        strip[:, block.column : block.column + columns] = block.probabilities.argmax(0)
        if block.column + columns == source.shape[1]:
            yield strip
            strip = None


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
