"""Masks as class numbers: reading applies what data.yaml says about their numbers or colours.

Where data.yaml declares colours, what a mask means must not depend on how its file stores it. Numbers and colours of the
pixels are both looked up: if all colours are known they count; if they are not but all numbers are, those count. Where both
would do and differ, the colours are used, with a remark; `masks_hold` in data.yaml can decide otherwise.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from imexseg.data.description.labels import IGNORE, UNKNOWN, LabelTable, packed
from imexseg.data.pairs.pairs import Pair
from imexseg.data.read.mask_files import StoredMask, only_numbers, read_mask, read_stored_mask
from imexseg.data.read.mask_words import as_list, called, unknown_colours, unknown_numbers
from imexseg.errors import UsageError

Taken = Literal["numbers", "colours", "either"]  # either: both mean the same


@dataclass(frozen=True)
class ReadMask:
    """classes: (H, W) uint8, 255 ignored, 254 where the file says nothing known.  taken: what of the file they follow.
    differs: numbers and colours both have a meaning, and not the same.
    remarks: (kind, line) of what was assumed.  wrong: the line about what means nothing, if anything.
    """

    path: Path
    classes: np.ndarray
    taken: Taken
    differs: bool = False
    remarks: list[tuple[str, str]] = field(default_factory=list)
    wrong: str | None = None

    def without_pixels(self) -> "ReadMask":
        """What a whole split can keep."""
        return replace(self, classes=np.empty((0, 0), np.uint8))


def read_classes(pair: Pair) -> np.ndarray:
    """The mask of a pair in class numbers, 255 = ignored. Shapes: → (H, W) uint8.

    Raises: UsageError naming the file, the values or colours that mean nothing, and the remedy.
    """
    if pair.labels is None:
        return read_mask(pair.mask)
    read = read_with_labels(pair.mask, pair.labels)
    if read.wrong is not None:
        raise UsageError(read.wrong)
    return read.classes


def read_with_labels(path: Path, labels: LabelTable) -> ReadMask:
    """Raises: UsageError if the file cannot be read, or what it means cannot be told."""
    stored = read_stored_mask(path)
    by_colour = _class_of_colours(stored.shown, labels)
    remarks = _transparency(path, stored, labels)
    if not labels.colours or labels.masks_hold == "numbers":
        return _by_numbers(path, stored, labels, remarks)
    if stored.numbers is None:
        return _by_colours(path, stored, labels, remarks)
    used = np.flatnonzero(np.bincount(stored.numbers.ravel(), minlength=256))
    number_classes, colour_classes = labels.table[used], by_colour[used]
    known = colour_classes != UNKNOWN
    numbers_known = bool((number_classes != UNKNOWN).all())
    if known.all() or labels.masks_hold == "colours":
        differs = numbers_known and bool(known.all() and (number_classes != colour_classes).any())
        if differs and labels.masks_hold is None:
            what = "palette indices" if stored.indexed else "grey values"
            at = int(np.flatnonzero(number_classes != colour_classes)[0])
            text = (
                f"{path}: its {what} and its colours are both known but mean different classes: {int(used[at])} is "
                f"{called(number_classes[at], labels)}, its colour {as_list(stored.shown[used[at]])} is "
                f"{called(colour_classes[at], labels)}; the colours are used: write `masks_hold: colours` to confirm this, "
                "or `masks_hold: numbers` if the colours are for display only"
            )
            remarks.append(("numbers and colours differ", text))
        read = _by_colours(path, stored, labels, remarks)
        same = numbers_known and not differs
        return ReadMask(path, read.classes, "either" if same else "colours", differs, read.remarks, read.wrong)
    # Palettes of other programs share black with data.yaml, hardly more: then the colours are for the eye alone.
    foreign = known.sum() <= 1 and (number_classes[known] == colour_classes[known]).all()
    if numbers_known and (foreign or not stored.indexed):
        if stored.indexed:
            text = f"{path}: its palette is not the one in data.yaml, so its indices are read as class numbers"
            remarks.append(("palettes that differ", text))
        return _by_numbers(path, stored, labels, remarks)
    return _by_colours(path, stored, labels, remarks) if known.any() else _by_numbers(path, stored, labels, remarks)


def _by_colours(path: Path, stored: StoredMask, labels: LabelTable, remarks: list[tuple[str, str]]) -> ReadMask:
    if stored.numbers is not None:
        classes = _class_of_colours(stored.shown, labels)[stored.numbers]
    else:
        classes = _class_of_colours(stored.true_colours(), labels)
    unknown = classes == UNKNOWN
    wrong = unknown_colours(path, stored.true_colours()[unknown], labels) if unknown.any() else None
    return ReadMask(path, classes, "colours", remarks=remarks, wrong=wrong)


def _by_numbers(path: Path, stored: StoredMask, labels: LabelTable, remarks: list[tuple[str, str]]) -> ReadMask:
    numbers = only_numbers(stored, path)
    classes = labels.table[numbers]
    used = np.flatnonzero(np.bincount(numbers.ravel(), minlength=256))
    shown = stored.shown[used]
    if (shown == shown[:, :1]).all() and (shown[:, 0] != used).any():  # greys that are not the numbers
        greys = shown[:, 0]
        known = bool((labels.table[used] != UNKNOWN).all())
        if (labels.table[greys] != UNKNOWN).all():
            if not known:
                stretched = labels.table[stored.shown[numbers][..., 0]]
                text = f"{path}: its grey levels, and not the {_stored_as(stored)}, are read as class numbers"
                return ReadMask(path, stretched, "numbers", remarks=[*remarks, ("grey levels taken", text)])
            distinct = greys[(greys != used) & (greys != IGNORE)]
            if stored.indexed and distinct.size and labels.masks_hold is None:
                raise UsageError(
                    f"{path}: is an indexed PNG whose index {int(used[greys != used][0])} is shown as the grey level "
                    f"{int(greys[greys != used][0])}, and both are class numbers; export it as 8-bit grey, or write "
                    "`masks_hold: numbers` into data.yaml to use the indices"
                )
    if stored.equal_channels:
        text = f"{path}: is RGB with three equal channels, which are read as class numbers"
        remarks = [*remarks, ("equal channels", text)]
    unknown = classes == UNKNOWN
    wrong = unknown_numbers(path, np.unique(numbers[unknown]), (numbers == 0).any(), labels) if unknown.any() else None
    return ReadMask(path, classes, "numbers", remarks=remarks, wrong=wrong)


def _stored_as(stored: StoredMask) -> str:
    return "indices of its palette" if stored.indexed else "numbers that its few bits hold"


def _class_of_colours(colours: np.ndarray, labels: LabelTable) -> np.ndarray:
    """Class numbers, 254 for colours that data.yaml does not have. Shapes: (..., 3) → (...) uint8."""
    if not labels.colours:
        return np.full(colours.shape[:-1], UNKNOWN, dtype=np.uint8)
    known = np.array(sorted(labels.colours), dtype=np.uint32)
    classes = np.array([labels.colours[int(colour)] for colour in known], dtype=np.uint8)
    keys = packed(colours)
    nearest = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[nearest] == keys, classes[nearest], UNKNOWN).astype(np.uint8)


def _transparency(path: Path, stored: StoredMask, labels: LabelTable) -> list[tuple[str, str]]:
    """What is said of transparent pixels. Raises: UsageError where it is not known what they mean."""
    if stored.alpha is None:
        return []
    clear = stored.alpha == 0
    partly = int(((stored.alpha > 0) & (stored.alpha < 255)).sum())
    remedy = "flatten it and save it without transparency"
    if partly:
        raise UsageError(f"{path}: {partly} pixels are partly transparent, as smoothed edges are; {remedy}")
    below = np.unique(packed(stored.true_colours()[clear]))
    if below.size > 1:
        raise UsageError(
            f"{path}: {int(clear.sum())} transparent pixels cover {below.size} colours, so their class is not known; "
            f"{remedy}"
        )
    colour = as_list(stored.true_colours()[clear][0])
    text = f"{path}: {int(clear.sum())} transparent pixels are read as the colour beneath, {colour}"
    return [("transparent pixels", text)]


def mixed_meanings(reads: list[ReadMask]) -> str | None:
    """The line about masks of one data set of which some are read by numbers and others, which could be, by colours."""
    numbers = next((read for read in reads if read.taken == "numbers"), None)
    differing = next((read for read in reads if read.differs), None)
    if numbers is None or differing is None:
        return None
    return (
        f"{differing.path}: can be read by its colours or by its numbers, with different meanings, but {numbers.path} only "
        "by its numbers; write `masks_hold: numbers` or `masks_hold: colours` into data.yaml"
    )
