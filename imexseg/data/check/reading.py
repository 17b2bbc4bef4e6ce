"""One pair, read once: what it adds to the facts of its split, or its problems."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from imexseg.data.check.problem import Problem
from imexseg.data.check.together import read_together
from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.description.labels import IGNORE
from imexseg.data.pairs.pairs import Pair
from imexseg.data.read.as_trained import extremes, to_channels
from imexseg.data.read.frames import first_of_several
from imexseg.data.read.masks import ReadMask
from imexseg.data.read.void import in_words, with_ignored
from imexseg.errors import UsageError

_DTYPE_OF_BITS = {8: "uint8", 16: "uint16", 32: "float32"}


@dataclass(frozen=True)
class Reading:
    """What one pair contributes."""

    pair: Pair
    size: tuple[int, int]
    dtype: np.dtype
    channels: int  # of the file
    counts: (
        np.ndarray
    )  # (256,) int64, pixels of each class; 255: ignored, by the mask or because the image has no value there
    in_mask: frozenset[int]  # classes that the mask has, and 255 if it has that itself
    moments: np.ndarray  # (channels, 2), sum and sum of squares of the image where it means something
    n_void: int  # pixels of the image without a value
    extremes: tuple[float, float]
    digest: bytes
    mask: ReadMask  # without its pixels
    of_image: tuple[tuple[str, str], ...]  # (kind, line): what a person should know of the image


def read_pair(pair: Pair, description: DataDescription) -> Reading | list[Problem]:
    """One pair, or its problems."""
    found = read_together(pair, description.names)
    problems = list(found.problems)
    image, void, mask = found.image, found.void, found.mask
    channels = 0 if image is None else image.shape[2]
    if image is not None:
        problems += _unlike_described(pair, image, description)
    if problems or image is None or mask is None:
        return problems
    image = to_channels(image, description.channels or channels, pair.image)
    of_mask = histogram(mask.classes)
    digest = hashlib.sha256(f"{image.shape}{image.dtype}".encode())
    digest.update(np.ascontiguousarray(image).data)
    counts = of_mask if void is None else histogram(with_ignored(mask.classes, void, IGNORE))
    return Reading(
        pair,
        image.shape[:2],
        image.dtype,
        channels,
        counts,
        frozenset(np.flatnonzero(of_mask).tolist()),
        _moments(image if void is None else image[~void][:, None]),
        0 if void is None else int(np.count_nonzero(void)),
        extremes(image, pair.image),
        digest.digest(),
        mask.without_pixels(),
        tuple(remarks_on(pair.image, void)),
    )


def _unlike_described(pair: Pair, image: np.ndarray, description: DataDescription) -> Iterator[Problem]:
    """Where an image is not what data.yaml says of all."""
    wanted = _DTYPE_OF_BITS.get(description.bit_depth or 0, image.dtype.name)
    if image.dtype != wanted:
        said = f"{pair.image}: is {image.dtype}, but `bit_depth: {description.bit_depth}` in data.yaml means {wanted}"
        yield Problem("bit depth", f"{said}; export it like the others, or correct data.yaml")
    try:
        to_channels(image, description.channels or image.shape[2], pair.image)
    except UsageError as error:
        yield Problem("unreadable image", str(error))


def remarks_on(image: Path, void: np.ndarray | None) -> Iterator[tuple[str, str]]:
    """What a person should know of an image that can be read."""
    if void is not None:
        yield "pixels without a value", f"{image}: {in_words(void)}; they are ignored"
    if (several := first_of_several(image)) is not None:
        yield "several images in a file", f"{image}: {several}; save one image per file to use the others"


def _moments(image: np.ndarray) -> np.ndarray:
    """(H, W, C) ↦ (C, 2) float64: sum and sum of squares of each channel; of integers exact but for the last rounding."""
    if image.dtype == np.uint8:  # from the histogram: five times as fast
        values = np.arange(256, dtype=np.uint64)
        counts = np.stack([histogram(image, channel) for channel in range(image.shape[2])]).astype(np.uint64)
        return np.stack([counts @ values, counts @ values**2], axis=1).astype(np.float64)
    exact = np.uint64 if np.issubdtype(image.dtype, np.integer) else np.float64
    pixels = image.reshape(-1, image.shape[2])
    # einsum widens as it goes: a copy of a large image in 64 bits would be eight times its size.
    squares = np.einsum("pc,pc->c", pixels, pixels, dtype=exact)
    return np.stack([pixels.sum(axis=0, dtype=exact), squares], axis=1).astype(np.float64)


def histogram(image: np.ndarray, channel: int = 0) -> np.ndarray:
    """Pixels of each of the 256 values. Shapes: (H, W) or (H, W, C) uint8 → (256,) int64."""
    plane = np.ascontiguousarray(image if image.ndim == 2 else image[..., channel])
    if plane.size >= 1 << 24:  # OpenCV counts in single precision
        return np.bincount(plane.ravel(), minlength=256)
    return cv2.calcHist([plane], [0], None, [256], [0, 256]).ravel().astype(np.int64)
