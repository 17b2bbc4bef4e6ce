"""What the masks of a folder hold, numbers or colours, before anybody has said what they mean."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imexseg.data.description.labels import packed
from imexseg.data.read.mask_files import StoredMask, read_stored_mask
from imexseg.errors import UsageError


@dataclass(frozen=True)
class FoundMasks:
    """Values, or colours as 0xRRGGBB, each with its number of pixels."""

    counts: Counter[int]
    coloured: bool
    looked_at: int
    unreadable: list[str]


def look_at(paths: list[Path], listed: set[int], progress: Callable[[int, int], None]) -> FoundMasks:
    """Args: listed: the colours of a list that lies in the folder, if there is one."""
    unreadable = []

    def look(path: Path) -> tuple[StoredMask, np.ndarray] | str:
        try:
            stored = read_stored_mask(path)
        except UsageError as error:
            return str(error)
        if stored.numbers is None:
            found, numbers = np.unique(packed(stored.true_colours()), return_counts=True)
            counts = np.stack([found.astype(np.int64), numbers])
        else:
            numbers = np.bincount(stored.numbers.ravel(), minlength=256)
            counts = np.stack([np.flatnonzero(numbers), numbers[numbers > 0]])
        kept = StoredMask(
            None if stored.numbers is None else np.empty((0, 0), np.uint8), stored.shown, indexed=stored.indexed
        )
        return kept, counts

    seen: list[tuple[StoredMask, np.ndarray]] = []
    with ThreadPoolExecutor() as pool:
        for n_done, mask in enumerate(pool.map(look, paths), start=1):
            progress(n_done, len(paths))
            if isinstance(mask, str):
                unreadable.append(mask)
            else:
                seen.append(mask)
    values: Counter[int] = Counter()
    colours: Counter[int] = Counter()
    by_colour = _colours_are_meant(seen, listed)
    for stored, (found, numbers) in seen:
        if stored.numbers is None:
            colours.update(dict(zip(found.tolist(), numbers.tolist(), strict=True)))
        elif by_colour:
            for value, number in zip(packed(stored.shown[found]).tolist(), numbers.tolist(), strict=True):
                colours[value] += number
        else:
            values.update(dict(zip(found.tolist(), numbers.tolist(), strict=True)))
    if colours and values:
        unreadable.insert(0, "some masks hold colours and some class numbers: save them all in one way")
    coloured = sum(colours.values()) > sum(values.values())
    return FoundMasks(colours if coloured else values, coloured, len(paths), unreadable)


def _colours_are_meant(seen: list[tuple[StoredMask, np.ndarray]], listed: set[int]) -> bool:
    """Whether masks that have numbers, too, mean the colours: those of the list, those of their true-colour neighbours, or
    because one index is shown in different colours, as by programs that order a palette anew for each file."""
    shown_in: dict[int, int] = {}
    agree, in_list, in_others = True, bool(listed), True
    true_colours = {int(c) for stored, (found, _) in seen if stored.numbers is None for c in found}
    for stored, (found, _) in seen:
        if stored.numbers is None:
            continue
        for value, colour in zip(found.tolist(), packed(stored.shown[found]).tolist(), strict=True):
            if stored.indexed:
                agree = agree and shown_in.setdefault(value, colour) == colour
            in_list = in_list and colour in listed
            in_others = in_others and colour in true_colours
    return not agree or in_list or (bool(true_colours) and in_others)
