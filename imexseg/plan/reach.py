"""How far from a pixel its class is decided, as far as colour and texture can tell, to a classifier that sees wider and wider.

It gets the values of a pixel, and their mean and deviation in boxes round it. Given ever larger boxes it recognises more of the
pixels of images that it has not seen, until larger ones add nothing. This is an estimate from below:
a network that knows shapes may use more. Classes are drawn equally often, so chance is one in as many as there are classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from imexseg.data.load.dataset import scaled_to
from imexseg.data.pairs.pairs import Pair
from imexseg.data.read.as_trained import to_channels
from imexseg.data.read.images import read_image
from imexseg.data.read.masks import read_classes
from imexseg.errors import UsageError
from imexseg.plan.objects import evenly

IMAGES = 40  # half of them to learn from
SIDE = 192  # pixels: larger images are scaled down to a longer side of this
PER_IMAGE = 100  # pixels drawn of each
RADII = (1, 2, 4, 8, 16, 32, 64)  # of the boxes, in pixels of the scaled images
MOST_BANDS = 8
MOST_PIXELS = 60_000_000  # of all files that are read
FEATURES = 200
ENOUGH = 0.9  # of what all boxes add to the pixel alone
LEAST = 0.03  # of accuracy that boxes must add for a distance to mean anything


@dataclass(frozen=True)
class Reach:
    """radius: pixels of the files within which nearly all is decided; None if there is nothing to tell.
    accuracy: radius ↦ share of pixels recognised, classes drawn equally often; 0 is the pixel alone.
    """

    radius: float | None
    accuracy: dict[int, float]

    def as_dict(self) -> dict[str, Any]:
        curve = {str(radius): round(share, 3) for radius, share in self.accuracy.items()}
        return {"pixels": None if self.radius is None else round(self.radius), "recognised_within": curve}


def estimate_reach(pairs: Sequence[Pair], n_classes: int, channels: int) -> Reach:
    """Needs two images and two classes. Raises: UsageError for files that cannot be read."""
    random = np.random.default_rng(0)
    halves: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    truths: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    scales = []
    n_pixels = 0
    for number, pair in enumerate(evenly(pairs, IMAGES)):
        image = to_channels(read_image(pair.image), channels, pair.image)[..., :MOST_BANDS]
        mask = read_classes(pair)
        if image.shape[:2] != mask.shape:
            raise UsageError(f"{pair.mask}: has another size than its image")
        longest, n_pixels = max(mask.shape), n_pixels + mask.size
        if longest > SIDE:
            image, mask = scaled_to(image, mask, SIDE)
        rows, columns = _draw(mask, n_classes, random)
        if len(rows):
            halves[number % 2].append(_features(image.astype(np.float32), rows, columns))
            truths[number % 2].append(mask[rows, columns])
            scales.append(max(1.0, longest / SIDE))
        if n_pixels > MOST_PIXELS and all(halves):
            break
    if not halves[0] or not halves[1]:
        return Reach(None, {})
    seen, unseen = (np.concatenate(half) for half in halves)
    truth, asked = (np.concatenate(half).astype(np.int32) for half in truths)
    if len(np.unique(truth)) < 2:
        return Reach(None, {})
    own = seen.shape[1] // (1 + 2 * len(RADII))  # columns of the pixel alone
    accuracy: dict[int, float] = {}
    for number, radius in enumerate((0, *RADII)):
        n = own * (1 + 2 * number)
        accuracy[radius] = _recognised(seen[:, :n], truth, unseen[:, :n], asked)
    best = max(accuracy.values())
    if best - accuracy[0] < LEAST:
        return Reach(0.0 if best > 1.5 / n_classes else None, accuracy)
    wanted = accuracy[0] + ENOUGH * (best - accuracy[0])
    radius = next(radius for radius, share in accuracy.items() if share >= wanted)
    return Reach(radius * float(np.median(scales)), accuracy)


def _draw(mask: np.ndarray, n_classes: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of an image, of each of its classes equally many."""
    present = [number for number in range(n_classes) if (mask == number).any()]
    chosen = [random.choice(np.flatnonzero(mask.ravel() == n), PER_IMAGE // len(present) or 1) for n in present]
    rows, columns = np.unravel_index(np.concatenate(chosen) if chosen else np.empty(0, int), mask.shape)
    return np.asarray(rows), np.asarray(columns)


def _features(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Shapes: image (H, W, C) float32 → (pixels, C · (1 + 2 · radii)): the pixel, then mean and deviation in each box."""
    image = image - image.mean(axis=(0, 1))  # float32 has few digits for the squares of 16 bits
    parts = [image[rows, columns]]
    for radius in RADII:
        box = (2 * radius + 1, 2 * radius + 1)
        planes = [np.ascontiguousarray(image[..., c]) for c in range(image.shape[2])]
        means = [cv2.blur(plane, box, borderType=cv2.BORDER_REFLECT_101) for plane in planes]
        squares = [cv2.blur(plane * plane, box, borderType=cv2.BORDER_REFLECT_101) for plane in planes]
        parts.append(np.stack([mean[rows, columns] for mean in means], axis=1))
        spread = [np.maximum(square - mean * mean, 0) for square, mean in zip(squares, means, strict=True)]
        parts.append(np.sqrt(np.stack([one[rows, columns] for one in spread], axis=1)))
    return np.concatenate(parts, axis=1).astype(np.float32)


def _recognised(seen: np.ndarray, truth: np.ndarray, unseen: np.ndarray, asked: np.ndarray) -> float:
    """Share of `asked` that a ridge regression on random Fourier features (Rahimi and Recht 2007) of `seen` gets right."""
    mean, deviation = seen.mean(axis=0), seen.std(axis=0) + 1e-6
    random = np.random.default_rng(0)
    directions = random.normal(size=(seen.shape[1], FEATURES)) / np.sqrt(seen.shape[1])
    shifts = random.uniform(0, 2 * np.pi, FEATURES)

    def lifted(pixels: np.ndarray) -> np.ndarray:
        clipped = np.clip((pixels - mean) / deviation, -4, 4)
        return np.cos(clipped @ directions + shifts) * np.sqrt(2 / FEATURES)

    labels = np.unique(truth)
    targets = (truth[:, None] == labels).astype(np.float64)
    X = lifted(seen)
    weights = np.linalg.solve(X.T @ X + 1e-2 * np.eye(FEATURES), X.T @ (targets - targets.mean(axis=0)))
    found = labels[(lifted(unseen) @ weights + targets.mean(axis=0)).argmax(axis=1)]
    return float((found == asked).mean())
