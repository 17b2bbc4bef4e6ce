"""From the values in a mask file to the classes of the network: names, merging, ignored values, colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from imexseg.data.description.palette import Colour

IGNORE = 255  # class number of pixels that are neither trained on nor counted
UNKNOWN = 254  # entry of a table for values that have no meaning; never in a mask that was read
REST = "rest"  # in `classes`: all labels that no other class takes


@dataclass(frozen=True, eq=False)
class LabelTable:
    """What the values, or the colours, of mask files mean.

    Shapes: table (256,) uint8: value ↦ class number, 255 (ignored) or 254 (unknown).
    colours: RGB as 0xRRGGBB ↦ the same numbers; empty if masks of colours are not expected.
    masks_hold: which of the two masks hold; None: told from each file.
    source: the file that says all this, for messages.
    """

    table: np.ndarray
    colours: Mapping[int, int]
    labels: Mapping[int, str]  # what the values are called, before merging
    colour_names: Mapping[int, str] = field(default_factory=dict)  # what the colours are called, before merging
    masks_hold: Literal["numbers", "colours"] | None = None
    source: str = "data.yaml"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LabelTable):
            return NotImplemented
        return (
            np.array_equal(self.table, other.table)
            and self.colours == other.colours
            and self.masks_hold == other.masks_hold
        )

    def __hash__(self) -> int:
        return hash(self.table.tobytes())

    @property
    def expected(self) -> str:
        """The values that a mask may have, in words."""
        known = np.flatnonzero(self.table < UNKNOWN)
        ignored = np.flatnonzero(self.table == IGNORE)
        runs = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)
        words = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
        return f"{words} (ignored: {', '.join(map(str, ignored)) or 'none'})"


def packed(pixels: np.ndarray) -> np.ndarray:
    """Colours as one number each. Shapes: (..., 3) uint8 → (...,) uint32, 0xRRGGBB."""
    wide = pixels.astype(np.uint32)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]


def plain_labels(names: Sequence[str]) -> LabelTable:
    """Value i is class i, 255 is ignored."""
    return label_table(dict(enumerate(names)), None, [], []).labels


class Classes(NamedTuple):
    """What data.yaml makes of its labels. values: for each class the number of its first label, which stands for it in
    masks that are written: read with the same data.yaml, they mean the same class. palette: of those labels, or empty."""

    labels: LabelTable
    names: list[str]
    palette: list[Colour]
    values: list[int]


def label_table(
    labels: Mapping[int, str],
    classes: Mapping[str, Sequence[int | str]] | None,
    ignore: Sequence[int | str],
    palette: Sequence[Colour],
    masks_hold: Literal["numbers", "colours"] | None = None,
) -> Classes:
    """Args:
        labels: value in the mask ↦ name.
        classes: name of a class ↦ the labels that it takes, by name or value; None: every label is a class.
        ignore: labels, or values without a name, that become 255; 255 itself is ignored unless it has a name.
        palette: one colour for each label, in their order, or none.
        masks_hold: whether masks are of numbers or of colours, where both are declared.
    Raises: ValueError saying what does not fit.
    """
    by_name = {name: value for value, name in labels.items()}

    def value_of(label: int | str, where: str) -> int:
        if isinstance(label, str):
            if label not in by_name:
                raise ValueError(f"{where}: there is no label {label!r}; names lists {_some(by_name)}")
            return by_name[label]
        return label

    ignored = [value_of(label, "ignore") for label in ignore]
    kept = sorted(value for value in labels if value not in ignored)  # whatever order the file names them in
    members = _members(classes, labels, kept, value_of) if classes else {labels[value]: [value] for value in kept}
    table = np.full(256, UNKNOWN, dtype=np.uint8)
    table[IGNORE] = IGNORE
    for number, values in enumerate(members.values()):
        table[values] = number
    table[ignored] = IGNORE
    colours: dict[int, int] = {}
    called: dict[int, str] = {}
    if palette:
        for (value, name), colour in zip(labels.items(), palette, strict=True):
            key = int(packed(np.array(colour)))
            called.setdefault(key, name)
            if colours.setdefault(key, int(table[value])) != table[value]:
                raise ValueError(f"palette: {list(colour)} is listed twice, the second time for {name!r}")
    elif masks_hold == "colours":
        raise ValueError("masks_hold: colours needs `palette`, one colour for each name")
    at = dict(zip(labels, palette, strict=False))
    values = [taken[0] for taken in members.values()]
    shown = [at[value] for value in values] if palette else []
    found = LabelTable(table, colours, dict(labels), called, masks_hold)
    return Classes(found, list(members), shown, values)


def _members(classes, labels, kept, value_of) -> dict[str, list[int]]:
    """Values of each class. Raises: ValueError for labels in no class, or in two."""
    members: dict[str, list[int]] = {}
    taken: dict[int, str] = {}
    rest = [name for name, given in classes.items() if list(given) == [REST] and REST not in labels.values()]
    for name, given in classes.items():
        members[name] = [] if name in rest else [value_of(label, f"classes.{name}") for label in given]
        for value in members[name]:
            if value not in labels:
                raise ValueError(f"classes.{name}: {value} has no name; add it to names")
            if value not in kept:
                raise ValueError(f"classes.{name}: {labels[value]} is in `ignore` too; remove it from one of the two")
            if value in taken:
                raise ValueError(f"classes: {labels[value]} is in {taken[value]!r} and in {name!r}; keep one")
            taken[value] = name
    left = [value for value in kept if value not in taken]
    if rest[1:]:
        raise ValueError(f"classes: only one class can take the rest, found {', '.join(rest)}")
    if rest:
        members[rest[0]] = left
    elif left:
        missing = _some([labels[value] for value in left])
        raise ValueError(f"classes: {missing} is in no class; add it to one or to `ignore`, or give one class `{REST}`")
    empty = [name for name, values in members.items() if not values]
    if empty:
        raise ValueError(f"classes: {', '.join(empty)} has no label; remove it")
    return members


def _some(names, shown: int = 5) -> str:
    names = list(names)
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
