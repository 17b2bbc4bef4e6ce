"""How large and how thick the objects of each class are, and whether the images have an up and a down, from a sample of masks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from imexseg.data.pairs.pairs import Pair
from imexseg.data.read.masks import read_classes

SAMPLE = 60  # masks, evenly over the split
SAMPLE_PIXELS = 40_000_000  # of all of them together
LARGEST = 2048  # pixels of a side that are looked at one by one
SMALLEST = 4  # pixels: smaller components are taken for crumbs of labelling


@dataclass(frozen=True)
class ClassObjects:
    """Of one class. Units: pixels of the files; None where the sample has none of it.

    size: side of the square of the area of an object, the median over objects.  thickness: of a strip whose pixels lie as far
    from its edge as those of the class do, the median over pixels.
    """

    name: str
    objects: int  # in the sample
    size: float | None
    thickness: float | None

    def as_dict(self) -> dict[str, Any]:
        rounded = {
            key: None if value is None else round(value, 1) for key, value in vars(self).items() if key != "name"
        }
        return {"class": self.name} | rounded


@dataclass(frozen=True)
class Objects:
    """What the sample shows.

    up_and_down, left_and_right: by how much of their pixels the two halves of an image differ in their classes, on average
    over images, 0 to 1: an up and a down makes the former large, and the latter says what is chance.
    """

    classes: list[ClassObjects]
    up_and_down: float
    left_and_right: float
    sampled: int


def look_at_objects(pairs: Sequence[Pair], names: Sequence[str]) -> Objects:
    """Read a sample of masks. Raises: UsageError for one that cannot be read."""
    sizes: list[list[float]] = [[] for _ in names]
    depths: list[list[np.ndarray]] = [[] for _ in names]
    halves: list[np.ndarray] = []
    read = n_pixels = 0
    for pair in evenly(pairs, SAMPLE):
        mask = read_classes(pair)
        read, n_pixels = read + 1, n_pixels + mask.size
        halves.append(_halves(mask, len(names)))
        factor = -(-max(mask.shape) // LARGEST)
        mask = mask[::factor, ::factor]  # of a very large image every second pixel tells as much, or every third
        for number in np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[: len(names)]):
            areas, depth = _of_class(mask == number)
            sizes[number] += (factor * np.sqrt(areas)).tolist()
            depths[number].append(factor * depth)
        if n_pixels > SAMPLE_PIXELS:
            break
    found = [
        ClassObjects(
            name,
            len(sizes[number]),
            float(np.median(sizes[number])) if sizes[number] else None,
            4 * float(np.median(np.concatenate(depths[number]))) if depths[number] else None,
        )
        for number, name in enumerate(names)
    ]
    mean = np.mean(halves, axis=0)  # (2, classes): what chance does cancels, what a scene does adds up
    vertical, horizontal = (float(np.abs(difference).sum() / 2) for difference in mean)
    return Objects(found, vertical, horizontal, read)


def evenly(pairs: Sequence[Pair], number: int) -> list[Pair]:
    """At most that many, evenly over all, the first and the last among them."""
    chosen = np.unique(np.linspace(0, len(pairs) - 1, min(number, len(pairs))).astype(int))
    return [pairs[i] for i in chosen]


def _of_class(of_class: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas of its components; how far pixels lie from the edge, of a thousand of them, where half a pixel is the least."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(of_class.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    distance = cv2.distanceTransform(of_class.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)[of_class] - 0.5
    distance = np.minimum(distance, max(of_class.shape) / 2)  # an image of nothing else has no edge to be far from
    step = max(1, distance.size // 1000)
    return areas[areas >= SMALLEST], distance[step // 2 :: step]


def _halves(mask: np.ndarray, n_classes: int) -> np.ndarray:
    """Shares of the classes in the upper half minus those in the lower; the same of left and right. Shapes: → (2, classes)."""
    height, width = mask.shape
    parts = (mask[: height // 2], mask[-(height // 2) :], mask[:, : width // 2], mask[:, -(width // 2) :])
    counts = [np.bincount(part.ravel(), minlength=256)[:n_classes] for part in parts]
    shares = [count / max(1, count.sum()) for count in counts]
    return np.stack([shares[0] - shares[1], shares[2] - shares[3]])
