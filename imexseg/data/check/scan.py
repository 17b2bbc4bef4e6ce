"""One pass over a split before training: the statistics that training needs, and every problem with its remedy."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from imexseg.data.check.of_split import problems_of_split
from imexseg.data.check.problem import Problem, as_lines
from imexseg.data.check.reading import Reading, read_pair
from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.description.labels import IGNORE
from imexseg.data.pairs.pairs import Pair, list_files
from imexseg.data.read.masks import ReadMask
from imexseg.errors import UsageError
from imexseg.storage.mirror import Mirror

Progress = Callable[[int, int], None]  # (files done, files in all)
Read = Reading | list[Problem]  # what one pair contributes, or its problems
ReadAll = Callable[[list[Pair]], Iterable[Read]]


@dataclass(frozen=True)
class SplitFacts:
    """What one pass over a split found, of the pairs that could be read. mean and std in the raw values of the files."""

    pairs: list[Pair]
    sizes: list[tuple[int, int]]  # (H, W) of each pair
    class_pixels: np.ndarray  # (classes,) int64
    class_images: np.ndarray  # (classes,) int64, masks that have any pixel of the class
    ignored_pixels: int
    channels: int
    dtype: np.dtype
    mean: tuple[float, ...]
    std: tuple[float, ...]
    lowest: float  # of all pixel values
    highest: float
    kinds: dict[tuple[str, int], int]  # (dtype, channels) of the files ↦ how many
    digests: list[bytes]  # of the pixels of each image
    masks: list[ReadMask]  # how each was read, without its pixels


def scan_split(
    description: DataDescription, split: str, progress: Progress = lambda n_done, n_total: None
) -> SplitFacts:
    """Read every file of a split once.

    Raises: UsageError with a line for each problem (a few of each kind): what was found, what was expected, what to do.
    """
    facts, problems = examine_split(description, split, progress)
    errors = [problem for problem in problems if not problem.warning]
    if errors or facts is None:
        raise UsageError("\n".join(as_lines(errors)))
    return facts


def examine_split(
    description: DataDescription,
    split: str,
    progress: Progress = lambda n_done, n_total: None,
    read: ReadAll | None = None,
) -> tuple[SplitFacts | None, list[Problem]]:
    """Read every file of a split once. Args: read: who reads the pairs, in their order; None: threads of this process.

    Returns: facts of what could be read, if anything could; every problem.
    """
    try:
        listing = list_files(description, split)
    except UsageError as error:
        return None, [Problem("files", line) for line in str(error).splitlines()]
    problems = [
        Problem(f"without {kind}", f"{path}: no {kind} {where}; add it or remove the file")
        for kind, paths, where in (
            ("mask", listing.without_mask, listing.where_mask),
            ("image", listing.without_image, listing.where_image),
        )
        for path in paths
    ]
    readings: list[Reading] = []
    results = read_pairs(listing.pairs, description) if read is None else read(listing.pairs)
    for n_done, result in enumerate(results, start=1):
        if isinstance(result, Reading):
            readings.append(result)
        else:
            problems += result
        progress(n_done, len(listing.pairs))
    if not readings:
        return None, problems or [Problem("files", f"{description.root}: the split {split!r} has no pairs")]
    problems += problems_of_split(description, split, readings, complete=not problems)
    return facts_of(description, readings), problems


def read_pairs(pairs: Sequence[Pair], description: DataDescription, mirror: Mirror | None = None) -> Iterator[Read]:
    """Several at a time; results in their order. Args: mirror: of data that lies elsewhere."""

    def read(pair: Pair) -> Read:
        try:
            with mirror.present(pair.image, pair.mask) if mirror is not None else nullcontext():
                return read_pair(pair, description)
        except UsageError as error:
            return [Problem("unreadable file", str(error))]

    with ThreadPoolExecutor() as pool:
        yield from pool.map(read, pairs)


def facts_of(description: DataDescription, readings: Sequence[Reading]) -> SplitFacts:
    """Of at least one pair that could be read."""
    counts = np.sum([reading.counts for reading in readings], axis=0)
    n_classes = len(description.names)
    channels = max(len(reading.moments) for reading in readings)
    mean, std = _statistics([reading for reading in readings if len(reading.moments) in (1, channels)], channels)
    return SplitFacts(
        pairs=[reading.pair for reading in readings],
        sizes=[reading.size for reading in readings],
        class_pixels=counts[:n_classes],
        class_images=np.sum([reading.counts[:n_classes] > 0 for reading in readings], axis=0),
        ignored_pixels=int(counts[IGNORE]),
        channels=channels,
        dtype=readings[0].dtype,
        mean=mean,
        std=std,
        lowest=min(reading.extremes[0] for reading in readings),
        highest=max(reading.extremes[1] for reading in readings),
        kinds=dict(Counter((reading.dtype.name, reading.channels) for reading in readings)),
        digests=[reading.digest for reading in readings],
        masks=[reading.mask for reading in readings],
    )


def _statistics(readings: Sequence[Reading], channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel over all pixels that mean something; 1 for the deviation of a constant one."""
    n_pixels = sum(reading.size[0] * reading.size[1] - reading.n_void for reading in readings)
    # Grey images among colour ones count as three equal channels.
    total = np.sum([np.broadcast_to(reading.moments, (channels, 2)) for reading in readings], axis=0) / n_pixels
    mean, variance = total[:, 0], total[:, 1] - np.square(total[:, 0])
    std = np.sqrt(np.maximum(variance, 0))
    return tuple(mean.tolist()), tuple(np.where(std > 1e-6 * np.abs(mean), std, 1.0).tolist())
