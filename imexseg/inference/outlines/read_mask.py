"""A mask that `imexseg predict` has written, wherever it lies, as class numbers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from imexseg.data.description.labels import IGNORE
from imexseg.data.read.images import read_image
from imexseg.errors import UsageError
from imexseg.inference.areas import tiff_pieces, tiff_size
from imexseg.inference.image_files import written_mask
from imexseg.inference.write_mask import ignored_value
from imexseg.storage.places import Place, Url, beside
from imexseg.storage.scratch import scratch_folder

_STRANGE = 254  # no class has this number: there are at most 254


def read_classes(target: Place, values: Sequence[int]) -> np.ndarray:
    """The whole mask, one byte a pixel. Shapes: → (H, W) uint8, 255 where the image means nothing.

    Args: target: folder and stem of the results of an image.  values: what stands for each class in masks.
    Raises: UsageError naming the file if it cannot be read, or is not of these weights.
    """
    if isinstance(target, Path):
        return _classes(written_mask(target), values, str(written_mask(target)))
    from imexseg.storage.remote import exists, fetch

    png = beside(target, "_mask.png")
    assert isinstance(png, Url)
    mask = png if exists(png) else target.with_name(f"{target.name}_mask.tif")
    with scratch_folder() as scratch:
        path = scratch / f"mask{mask.suffix}"
        fetch(mask, path)
        return _classes(path, values, str(mask))


def _classes(path: Path, values: Sequence[int], name: str) -> np.ndarray:
    try:
        mask = read_image(path)[..., 0] if path.suffix == ".png" else _from_tiff(path)
    except UsageError as error:
        raise UsageError(str(error).replace(str(path), name)) from None
    table = np.full(256, _STRANGE, dtype=np.uint8)
    table[ignored_value(values)] = IGNORE
    table[list(values)] = np.arange(len(values))
    if mask.dtype != np.uint8:
        raise UsageError(f"{name}: is {mask.dtype}, not a mask that predict wrote; leave out --skip-existing")
    classes = table[mask]
    if (classes == _STRANGE).any():
        number = int(mask[classes == _STRANGE][0])
        raise UsageError(f"{name}: holds {number}, which is no class of these weights; leave out --skip-existing")
    return classes


def _from_tiff(path: Path) -> np.ndarray:
    mask = np.zeros(tiff_size(path), dtype=np.uint8)
    for tile, (row, column) in tiff_pieces(path):
        height, width = tile.shape[1:3]
        mask[row : row + height, column : column + width] = tile[0, :, :, 0]
    return mask
