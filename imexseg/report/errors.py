"""A picture of what a network does wrong on one image: image, mask, prediction and errors, side by side."""

import cv2
import numpy as np

from imexseg.data.description.labels import IGNORE
from imexseg.data.description.palette import Colour
from imexseg.inference.write_picture import colour_mask, displayable

WRONG = (220, 20, 60)  # red, on the image in grey
LONGEST_SIDE = 640  # pixels of one of the four
_GAP = 8  # pixels between them


def error_picture(image: np.ndarray, truth: np.ndarray, prediction: np.ndarray, palette: list[Colour]) -> np.ndarray:
    """Shapes: image (H, W, C), truth and prediction (H, W) uint8, 255 in the truth ignored → (h, 4 w + gaps, 3) uint8."""
    factor = min(1.0, LONGEST_SIDE / max(truth.shape))
    height, width = (max(1, round(factor * side)) for side in truth.shape)
    shown = cv2.resize(displayable(image), (width, height), interpolation=cv2.INTER_AREA)
    # Shrunk before they are coloured: no class is averaged into another.
    true, said = (cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) for mask in (truth, prediction))
    grey = cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY)[..., None].repeat(3, axis=2) // 2 + 64
    errors = np.where(((true != said) & (true != IGNORE))[..., None], np.array(WRONG, np.uint8), grey)
    errors = np.where((true == IGNORE)[..., None], colour_mask(true, palette), errors)
    panels = [shown, colour_mask(true, palette), colour_mask(said, palette), errors]
    gap = np.full((height, _GAP, 3), 255, np.uint8)
    return np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=1)
