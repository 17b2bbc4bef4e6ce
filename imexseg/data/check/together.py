"""An image and its mask, read together: the one rule for what keeps them from being used."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from imexseg.data.check.problem import Problem
from imexseg.data.description.labels import plain_labels
from imexseg.data.pairs.pairs import Pair
from imexseg.data.read.images import read_image_and_void
from imexseg.data.read.masks import ReadMask, read_with_labels
from imexseg.errors import UsageError


@dataclass(frozen=True)
class Together:
    """image (H, W, C) as stored, None if it cannot be read; void (H, W) bool where it means nothing, or None; mask, None if it
    cannot be read; problems: in the order in which they are found, none if image and mask belong together."""

    image: np.ndarray | None = None
    void: np.ndarray | None = None
    mask: ReadMask | None = None
    problems: list[Problem] = field(default_factory=list)

    def required(self) -> tuple[np.ndarray, ReadMask]:
        """Image and mask. Raises: UsageError with the first problem."""
        if self.problems or self.image is None or self.mask is None:
            raise UsageError(self.problems[0].text)
        return self.image, self.mask


def read_together(pair: Pair, names: Sequence[str]) -> Together:
    """Args: names: of the classes, for masks without labels of their own."""
    problems: list[Problem] = []
    image = void = mask = None
    try:
        image, void = read_image_and_void(pair.image)
    except UsageError as error:
        problems.append(Problem("unreadable image", str(error)))
    try:
        mask = read_with_labels(pair.mask, pair.labels or plain_labels(list(names)))
    except UsageError as error:
        problems.append(Problem("unreadable mask", str(error)))
    if mask is not None and mask.wrong is not None:
        problems.append(Problem("unknown values", mask.wrong))
    if image is not None and mask is not None and image.shape[:2] != mask.classes.shape:
        (mask_h, mask_w), (image_h, image_w) = mask.classes.shape, image.shape[:2]
        text = (
            f"{pair.mask}: is {mask_w} x {mask_h} px, its image {pair.image.name} {image_w} x {image_h} px; "
            "scale the mask to the image without interpolation"
        )
        problems.append(Problem("sizes that differ", text))
    return Together(image, void, mask, problems)
