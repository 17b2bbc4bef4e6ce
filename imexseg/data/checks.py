"""One pass over a split before training: either the facts that training needs, or what is wrong and how to mend it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imexseg.data.folder import Pair, list_pairs
from imexseg.data.images import read_image, read_mask, to_channels
from imexseg.data.schema import IGNORE, DataDescription
from imexseg.errors import UsageError

SHOWN = 10  # how many problems an error lists


@dataclass(frozen=True)
class SplitFacts:
    """What one pass over a split found. mean and std per channel, in the raw values of the files."""

    pairs: list[Pair]
    sizes: list[tuple[int, int]]  # (H, W) of each pair
    class_pixels: np.ndarray  # (classes,) int64
    ignored_pixels: int
    channels: int
    dtype: np.dtype
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class _Reading:
    """What one pair contributes."""

    pair: Pair
    size: tuple[int, int]
    dtype: np.dtype
    values: np.ndarray  # (256,) int64, pixels of the mask with each value
    moments: np.ndarray  # (channels, 2), sum and sum of squares of the image


def scan_split(
    description: DataDescription, split: str, progress: Callable[[int, int], None] = lambda n_done, n_total: None
) -> SplitFacts:
    """Read every file of a split once.

    Raises: UsageError with a line for each problem (at most ten): what the file has, what was expected, what to do.
    """
    pairs = list_pairs(description, split)
    readings: list[_Reading] = []
    problems: list[str] = []
    with ThreadPoolExecutor() as pool:
        for n_done, result in enumerate(pool.map(lambda pair: _read(pair, description), pairs), start=1):
            if isinstance(result, _Reading):
                readings.append(result)
            else:
                problems += result
            progress(n_done, len(pairs))
    if readings:
        problems += _problems_of_split(description, split, readings, complete=not problems)
    if problems:
        more = [f"... and {len(problems) - SHOWN} more problems"] if len(problems) > SHOWN else []
        raise UsageError("\n".join(problems[:SHOWN] + more))
    values = np.sum([reading.values for reading in readings], axis=0)
    channels = max(len(reading.moments) for reading in readings)
    mean, std = _statistics(readings, channels)
    return SplitFacts(
        pairs=pairs,
        sizes=[reading.size for reading in readings],
        class_pixels=values[: len(description.names)],
        ignored_pixels=int(values[IGNORE]),
        channels=channels,
        dtype=readings[0].dtype,
        mean=mean,
        std=std,
    )


def _read(pair: Pair, description: DataDescription) -> _Reading | list[str]:
    """One pair, or its problems."""
    problems = []
    image = mask = None
    try:
        image = read_image(pair.image)
        image = to_channels(image, description.channels or image.shape[2], pair.image)
    except UsageError as error:
        problems.append(str(error))
    try:
        mask = read_mask(pair.mask)
    except UsageError as error:
        problems.append(str(error))
    if mask is not None:
        values = np.bincount(mask.ravel(), minlength=256)
        problems += _unknown_values(pair.mask, values, len(description.names))
        if image is not None and image.shape[:2] != mask.shape:
            (mask_h, mask_w), (image_h, image_w) = mask.shape, image.shape[:2]
            problems.append(
                f"{pair.mask}: is {mask_w} x {mask_h} px, its image {pair.image.name} {image_w} x {image_h} px; "
                "scale the mask to the image without interpolation"
            )
    if problems or image is None:
        return problems
    return _Reading(pair, image.shape[:2], image.dtype, values, _moments(image))


def _moments(image: np.ndarray) -> np.ndarray:
    """(H, W, C) ↦ (C, 2) float64: sum and sum of squares of each channel; of integers exact but for the last rounding."""
    exact = np.uint64 if np.issubdtype(image.dtype, np.integer) else np.float64
    pixels = image.reshape(-1, image.shape[2])
    # einsum widens as it goes: a copy of a large image in 64 bits would be eight times its size.
    squares = np.einsum("pc,pc->c", pixels, pixels, dtype=exact)
    return np.stack([pixels.sum(axis=0, dtype=exact), squares], axis=1).astype(np.float64)


def _unknown_values(path: Path, values: np.ndarray, n_classes: int) -> list[str]:
    """The problem of a mask with class numbers that have no name, if it has any."""
    unknown = [value for value in np.flatnonzero(values) if n_classes <= value != IGNORE]
    if not unknown:
        return []
    shown = ", ".join(str(value) for value in unknown[:SHOWN]) + (", ..." if len(unknown) > SHOWN else "")
    remedy = "write class numbers, or add names to data.yaml"
    if unknown == [n_classes] and values[0] == 0:
        remedy = "class numbers start at 0: subtract 1 from every value"
    return [f"{path}: has the values {shown}, but {n_classes} names make 0 to {n_classes - 1} (255: ignore); {remedy}"]


def _problems_of_split(description: DataDescription, split: str, readings: list[_Reading], complete: bool) -> list[str]:
    """What no single file shows. Args: complete: every pair was read, so that "no mask has" can be said."""
    problems = []
    kinds: dict[np.dtype, Path] = {}
    for reading in readings:
        kinds.setdefault(reading.dtype, reading.pair.image)
    if len(kinds) > 1:
        found = ", ".join(f"{image} is {dtype}" for dtype, image in kinds.items())
        problems.append(f"{found}: a split must have one bit depth; export them alike")
    folder, names = description.root / "masks" / split, description.names
    present = set(np.flatnonzero(np.sum([reading.values for reading in readings], axis=0)).tolist())
    if not complete or present - {0, IGNORE}:
        return problems
    if present == {0, IGNORE} and len(names) == 2:
        problems.append(f"{folder}: masks are 0 and 255 only, and 255 means ignore; write 1 for {names[1]!r}")
    elif present == {IGNORE}:
        problems.append(f"{folder}: every mask pixel is 255, which means ignore; write 0 to {len(names) - 1}")
    elif split == "train":
        problems.append(f"{folder}: no mask has any class but 0 ({names[0]}), so there is nothing to learn; add some")
    return problems


def _statistics(readings: list[_Reading], channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel over all pixels; 1 in place of the deviation of a constant channel."""
    n_pixels = sum(height * width for height, width in (reading.size for reading in readings))
    # Grey images among colour ones count as three equal channels.
    total = np.sum([np.broadcast_to(reading.moments, (channels, 2)) for reading in readings], axis=0) / n_pixels
    mean, variance = total[:, 0], total[:, 1] - np.square(total[:, 0])
    std = np.sqrt(np.maximum(variance, 0))
    return tuple(mean.tolist()), tuple(np.where(std > 1e-6 * np.abs(mean), std, 1.0).tolist())
