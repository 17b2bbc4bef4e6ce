"""One image of `imexseg predict`: from its file to what the network takes, and from its classes to the files of the result."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imexseg.data.description.labels import IGNORE
from imexseg.data.read.as_trained import as_trained
from imexseg.data.read.frames import first_of_several
from imexseg.data.read.georeference import read_georeference
from imexseg.data.read.header import stored_size
from imexseg.data.read.images import read_image_and_void
from imexseg.data.read.void import with_ignored
from imexseg.inference.areas import Areas, areas_of
from imexseg.inference.confidence import as_grey, confidence
from imexseg.inference.scale import other_size
from imexseg.inference.write_files import mask_and_overlay
from imexseg.inference.write_mask import needs_tiff
from imexseg.inference.write_picture import png_bytes


@dataclass(frozen=True)
class Wanted:
    """What holds for all images. probabilities, confidence: write them too.  white: the pixel value that means white, if not by
    type."""

    probabilities: bool = False
    white: float | None = None
    confidence: bool = False


@dataclass(frozen=True)
class Opened:
    """image: (H, W, C) as stored.  void: (H, W) bool where it means nothing, or None.  pixels: (H, W, C) as the network takes
    them.  remarks: what was done to make it fit, or left out, in words.
    """

    path: Path
    image: np.ndarray
    void: np.ndarray | None
    pixels: np.ndarray
    remarks: list[str]


def open_whole(path: Path, predictor: Any, white: float | None = None) -> Opened:
    """Args: predictor: for what its network takes.  white: the pixel value that means white; None: that of the image's type.

    Raises: UsageError naming the file if it cannot be read, or not be brought to what the network takes.
    """
    image, void = read_image_and_void(path)
    pixels, converted = as_trained(image, predictor.info, path, white)
    scale = other_size(predictor.info, predictor.long_side, *image.shape[:2])
    remarks = (first_of_several(path), converted, predictor.adaptation(image), scale)
    return Opened(path, image, void, pixels, [remark for remark in remarks if remark is not None])


def results(
    opened: Opened, classes: np.ndarray, probabilities: np.ndarray | None, info: Any, wanted: Wanted
) -> tuple[dict[str, bytes], Areas, str | None]:
    """The contents of `_mask.png`, of a GeoTIFF also `_mask.tif` with its georeference, `_overlay.png` and, if asked for,
    `_probabilities.npz` and `_confidence.png`, by the end of their names. The mask has the numbers of the masks that the network
    was trained on, and 255, or another number that is no class, where the image means nothing (data/read/void.py); probabilities
    are NaN there, and the confidence is 0.

    Shapes: classes (H, W) uint8; probabilities (num_classes, H, W) float32, None if nobody asked for what needs them.
    Returns: the contents; how many pixels have each class; why the georeference is lost, in words, if it is.
    """
    void = opened.void
    classes = with_ignored(classes, void, IGNORE)
    whole, lost = mask_and_overlay(opened.image, classes, void, info, opened.path)
    files = {f"_{ending}": content for ending, content in whole.items()}
    if probabilities is not None and wanted.confidence:
        files["_confidence.png"] = png_bytes(as_grey(confidence(probabilities, info.temperature or 1.0), void))
    if probabilities is not None and wanted.probabilities:
        known = probabilities if void is None else np.where(void, np.float32(np.nan), probabilities)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, probabilities=known, names=np.array(info.names))
        files["_probabilities.npz"] = buffer.getvalue()
    return files, areas_of(classes, len(info.names)), lost


def beside(target: Path, ending: str) -> Path:
    """The file of a result. Args: target: folder and stem."""
    return target.with_name(target.name + ending)


def written_mask(target: Path) -> Path:
    """The mask of an image that is done."""
    png = beside(target, "_mask.png")
    return png if png.exists() else beside(target, "_mask.tif")


def always_written(wanted: Wanted, tiled: bool) -> list[str]:
    """The ends of the names of files whose kind does not depend on the image. A large one has no .png but its overlay."""
    always = {
        "_overlay.png": True,
        "_probabilities.npz": wanted.probabilities,
        "_confidence.png": wanted.confidence and not tiled,
    }
    return [ending for ending, is_wanted in always.items() if is_wanted]


def is_done(path: Path, target: Path, wanted: Wanted, tiled: bool) -> bool:
    """Whether every file is there that `imexseg predict` would write for an image, whatever it holds."""
    if not all(beside(target, ending).exists() for ending in always_written(wanted, tiled)):
        return False
    if wanted.confidence and not any(beside(target, f"_confidence{suffix}").exists() for suffix in (".png", ".tif")):
        return False
    png, tiff = (beside(target, f"_mask{suffix}").exists() for suffix in (".png", ".tif"))
    if tiled and tiff and not png:  # a large one has no .png
        size = stored_size(path)
        return size is not None and needs_tiff(size[0] * size[1])
    return png and (tiff or not read_georeference(path)[0])
