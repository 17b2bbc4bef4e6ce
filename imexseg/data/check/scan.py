"""One pass over a split before training: the statistics that training needs, and every problem with its remedy."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from imexseg.data.check.problem import Problem, as_lines
from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.description.labels import IGNORE, plain_labels
from imexseg.data.pairs.pairs import Pair, list_files
from imexseg.data.read.as_trained import extremes, odd_white, to_channels
from imexseg.data.read.frames import first_of_several
from imexseg.data.read.images import read_image_and_void
from imexseg.data.read.masks import ReadMask, read_with_labels
from imexseg.data.read.void import in_words, with_ignored
from imexseg.errors import UsageError

_DTYPE_OF_BITS = {8: "uint8", 16: "uint16", 32: "float32"}
Progress = Callable[[int, int], None]  # (files done, files in all)


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


@dataclass(frozen=True)
class _Reading:
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
    description: DataDescription, split: str, progress: Progress = lambda n_done, n_total: None
) -> tuple[SplitFacts | None, list[Problem]]:
    """Read every file of a split once. Returns: facts of what could be read, if anything could; every problem."""
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
    readings: list[_Reading] = []
    with ThreadPoolExecutor() as pool:
        for n_done, result in enumerate(pool.map(lambda pair: _read(pair, description), listing.pairs), start=1):
            if isinstance(result, _Reading):
                readings.append(result)
            else:
                problems += result
            progress(n_done, len(listing.pairs))
    if not readings:
        return None, problems or [Problem("files", f"{description.root}: the split {split!r} has no pairs")]
    problems += _problems_of_split(description, split, readings, complete=not problems)
    return _facts(description, readings), problems


def _read(pair: Pair, description: DataDescription) -> _Reading | list[Problem]:
    """One pair, or its problems."""
    problems = []
    image = mask = void = None
    channels = 0
    try:
        image, void = read_image_and_void(pair.image)
        channels = image.shape[2]
        wanted = _DTYPE_OF_BITS.get(description.bit_depth or 0, image.dtype.name)
        if image.dtype != wanted:
            found = (
                f"{pair.image}: is {image.dtype}, but `bit_depth: {description.bit_depth}` in data.yaml means {wanted}"
            )
            problems.append(Problem("bit depth", f"{found}; export it like the others, or correct data.yaml"))
        image = to_channels(image, description.channels or channels, pair.image)
    except UsageError as error:
        problems.append(Problem("unreadable image", str(error)))
    labels = pair.labels or plain_labels(description.names)
    try:
        mask = read_with_labels(pair.mask, labels)
    except UsageError as error:
        problems.append(Problem("unreadable mask", str(error)))
    if mask is not None:
        classes = mask.classes
        of_mask = _histogram(classes)
        if mask.wrong is not None:
            problems.append(Problem("unknown values", mask.wrong))
        if image is not None and image.shape[:2] != classes.shape:
            (mask_h, mask_w), (image_h, image_w) = classes.shape, image.shape[:2]
            text = (
                f"{pair.mask}: is {mask_w} x {mask_h} px, its image {pair.image.name} {image_w} x {image_h} px; "
                "scale the mask to the image without interpolation"
            )
            problems.append(Problem("sizes that differ", text))
    if problems or image is None or mask is None:
        return problems
    digest = hashlib.sha256(f"{image.shape}{image.dtype}".encode())
    digest.update(np.ascontiguousarray(image).data)
    counts = of_mask if void is None else _histogram(with_ignored(mask.classes, void, IGNORE))
    without_pixels = replace(mask, classes=np.empty((0, 0), np.uint8))
    return _Reading(
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
        without_pixels,
        tuple(_remarks(pair.image, void)),
    )


def _remarks(image: Path, void: np.ndarray | None) -> Iterator[tuple[str, str]]:
    """What a person should know of an image that can be read."""
    if void is not None:
        yield "pixels without a value", f"{image}: {in_words(void)}; they are ignored"
    if (several := first_of_several(image)) is not None:
        yield "several images in a file", f"{image}: {several}; save one image per file to use the others"


def _moments(image: np.ndarray) -> np.ndarray:
    """(H, W, C) ↦ (C, 2) float64: sum and sum of squares of each channel; of integers exact but for the last rounding."""
    if image.dtype == np.uint8:  # from the histogram: five times as fast
        values = np.arange(256, dtype=np.uint64)
        counts = np.stack([_histogram(image, channel) for channel in range(image.shape[2])]).astype(np.uint64)
        return np.stack([counts @ values, counts @ values**2], axis=1).astype(np.float64)
    exact = np.uint64 if np.issubdtype(image.dtype, np.integer) else np.float64
    pixels = image.reshape(-1, image.shape[2])
    # einsum widens as it goes: a copy of a large image in 64 bits would be eight times its size.
    squares = np.einsum("pc,pc->c", pixels, pixels, dtype=exact)
    return np.stack([pixels.sum(axis=0, dtype=exact), squares], axis=1).astype(np.float64)


def _histogram(image: np.ndarray, channel: int = 0) -> np.ndarray:
    """Pixels of each of the 256 values. Shapes: (H, W) or (H, W, C) uint8 → (256,) int64."""
    plane = np.ascontiguousarray(image if image.ndim == 2 else image[..., channel])
    if plane.size >= 1 << 24:  # OpenCV counts in single precision
        return np.bincount(plane.ravel(), minlength=256)
    return cv2.calcHist([plane], [0], None, [256], [0, 256]).ravel().astype(np.int64)


def _problems_of_split(
    description: DataDescription, split: str, readings: list[_Reading], complete: bool
) -> list[Problem]:
    """What no single file shows. Args: complete: every pair was read, so that "no mask has" can be said."""
    problems = [*_mixtures(readings), *_white(description, split, readings)]
    for reading in readings:
        remarks = (*reading.mask.remarks, *reading.of_image)
        problems += [Problem(kind, text, warning=True) for kind, text in remarks]
    names = description.names
    where = description.masks or description.root / "masks" / split
    present = set().union(*(reading.in_mask for reading in readings))
    if complete and not present - {0, IGNORE}:
        if present == {0, IGNORE} and len(names) == 2:
            values = f"{{0: {names[0]}, 255: {names[1]}}}"
            text = (
                f"the masks hold only 0 and 255, and 255 means ignore; write 1 for {names[1]!r}, or `names: {values}`"
            )
            problems.append(Problem("no classes", f"{where}: {text}"))
        elif present == {IGNORE}:
            text = f"every mask pixel is 255, which means ignore; write 0 to {len(names) - 1}"
            problems.append(Problem("no classes", f"{where}: {text}"))
        elif split == "train":
            text = f"no mask has any class but 0 ({names[0]}), so there is nothing to learn; label some pixels"
            problems.append(Problem("no classes", f"{where}: {text}"))
        return problems
    black_and_white = len(names) == 2 and 1 in present  # 0 and 1 here, 0 and 255 there
    for reading in readings:
        found = reading.in_mask
        if black_and_white and found == {0, IGNORE} and reading.mask.taken == "numbers":
            text = (
                f"{reading.pair.mask}: holds only 0 and 255, others have 1 for {names[1]!r}; 255 means ignore here, so if it is "
                f"the {names[1]}, write 1"
            )
            problems.append(Problem("0 and 255", text, warning=True))
            continue
        if found == {IGNORE}:
            text = f"{reading.pair.mask}: every pixel is ignored, so it teaches nothing; remove the pair or label some pixels"
            problems.append(Problem("all ignored", text, warning=True))
        elif not reading.counts[:IGNORE].any():
            text = f"{reading.pair.mask}: every pixel that counts lies where the image holds no value; remove the pair"
            problems.append(Problem("all ignored", text, warning=True))
        elif found <= {0, IGNORE}:
            text = f"{reading.pair.mask}: all {names[0]} (class 0); this is right if the image shows nothing else"
            problems.append(Problem(f"all {names[0]}", text, warning=True))
    counted = set(np.flatnonzero(np.sum([reading.counts for reading in readings], axis=0)).tolist())
    for number in sorted(set(range(len(names))) - counted):
        effect = "cannot be learnt" if split == "train" else "cannot be measured"
        text = f"{where}: no pixel of {names[number]!r} (class {number}) in {split}, so it {effect}"
        problems.append(Problem(f"classes absent in {split}", text, warning=True))
    return problems


def _white(description: DataDescription, split: str, readings: list[_Reading]) -> list[Problem]:
    """Values that speak against the white of their type, unless data.yaml says what is white."""
    lowest, highest = (pick(reading.extremes[i] for reading in readings) for i, pick in enumerate((min, max)))
    odd = odd_white(readings[0].dtype, lowest, highest)
    if odd is None or description.white is not None:
        return []
    where = description.images or description.root / "images" / split
    said, white = odd
    text = (
        f"{where}: this split is {said}; if so, write `white: {white:g}` in data.yaml, and images of other kinds can be "
        "segmented too"
    )
    return [Problem("white", text, warning=True)]


def _mixtures(readings: list[_Reading]) -> list[Problem]:
    """Bit depths, and numbers of channels, that cannot go together."""
    dtypes: dict[str, Path] = {}
    channels: dict[int, Path] = {}
    for reading in readings:
        dtypes.setdefault(reading.dtype.name, reading.pair.image)
        channels.setdefault(len(reading.moments), reading.pair.image)
    problems = []
    if len(dtypes) > 1:
        found = ", ".join(f"{image} is {dtype}" for dtype, image in dtypes.items())
        problems.append(
            Problem("bit depth", f"{found}: all images of a split must have the same bit depth; export them alike")
        )
    if len(channels) > 1 and set(channels) != {1, 3}:  # grey among colour is repeated in three channels
        found = ", ".join(f"{image} has {number} channels" for number, image in channels.items())
        problems.append(
            Problem("channels", f"{found}: all images of a split must have the same number; export them alike")
        )
    return problems


def _facts(description: DataDescription, readings: list[_Reading]) -> SplitFacts:
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


def _statistics(readings: list[_Reading], channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel over all pixels that mean something; 1 for the deviation of a constant one."""
    n_pixels = sum(reading.size[0] * reading.size[1] - reading.n_void for reading in readings)
    # Grey images among colour ones count as three equal channels.
    total = np.sum([np.broadcast_to(reading.moments, (channels, 2)) for reading in readings], axis=0) / n_pixels
    mean, variance = total[:, 0], total[:, 1] - np.square(total[:, 0])
    std = np.sqrt(np.maximum(variance, 0))
    return tuple(mean.tolist()), tuple(np.where(std > 1e-6 * np.abs(mean), std, 1.0).tolist())
