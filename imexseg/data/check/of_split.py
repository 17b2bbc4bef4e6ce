"""What no single file shows: problems of a split as a whole."""

from pathlib import Path

import numpy as np

from imexseg.data.check.problem import Problem
from imexseg.data.check.reading import Reading
from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.description.labels import IGNORE
from imexseg.data.read.as_trained import odd_white


def problems_of_split(
    description: DataDescription, split: str, readings: list[Reading], complete: bool
) -> list[Problem]:
    """Args: complete: every pair was read, so that "no mask has" can be said."""
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


def _white(description: DataDescription, split: str, readings: list[Reading]) -> list[Problem]:
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


def _mixtures(readings: list[Reading]) -> list[Problem]:
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
