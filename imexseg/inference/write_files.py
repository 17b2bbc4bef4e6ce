"""What is written of one segmented image, whichever program segments it: its mask and its overlay."""

from pathlib import Path

import numpy as np

from imexseg.data.read.georeference import read_georeference
from imexseg.inference.write_mask import ignored_value, in_values, tiff_bytes
from imexseg.inference.write_picture import overlay, png_bytes
from imexseg.models.prediction_info import PredictionInfo


def mask_and_overlay(
    image: np.ndarray, classes: np.ndarray, void: np.ndarray | None, info: PredictionInfo, path: Path | None
) -> tuple[dict[str, bytes], str | None]:
    """The end of each file's name ↦ its content: mask.png, overlay.png, and of a GeoTIFF mask.tif with its georeference.

    Masks have the numbers of the masks that the network was trained on, and 255, or another number that is no class, where the
    image means nothing (data/read/void.py).
    Shapes: image (H, W, C), classes (H, W) uint8 with 255 where void (H, W) bool is set.
    Args: path: the file of the image, None if it is none.
    Returns: the files; what could not be kept, in words, or None.
    """
    mask = in_values(classes, info.values)
    files = {"mask.png": png_bytes(mask), "overlay.png": png_bytes(overlay(image, classes, info.palette))}
    georeference, lost = ([], None) if path is None else read_georeference(path)
    if georeference:
        files["mask.tif"] = tiff_bytes(mask, georeference, None if void is None else ignored_value(info.values))
    return files, lost
