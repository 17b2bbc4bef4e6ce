"""Masks in words: what a message says of colours and numbers."""

from pathlib import Path

import numpy as np

from imexseg.data.description.labels import IGNORE, LabelTable, packed

SHOWN = 5  # how many wrong values a message lists


def unknown_colours(path: Path, colours: np.ndarray, labels: LabelTable) -> str:
    """The line about a mask with colours that mean nothing. Args: colours: (pixels, 3) of those pixels."""
    found, counts = np.unique(packed(colours), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:SHOWN]
    known = {colour: labels.colour_names.get(colour, "ignored") for colour in labels.colours}
    shown = []
    for colour, count in zip(found[order].tolist(), counts[order].tolist(), strict=True):
        rgb = _unpacked(colour)
        near = min(known, key=lambda key: sum((a - b) ** 2 for a, b in zip(_unpacked(key), rgb, strict=True)))
        shown.append(f"{list(rgb)} in {count} pixels (nearest: {known[near]} {list(_unpacked(near))})")
    more = f" and {len(found) - SHOWN} more colours" if len(found) > SHOWN else ""
    remedy = (
        "they look like smoothed edges or traces of JPEG: export the mask without smoothing and never as JPEG"
        if len(found) > len(labels.colours)
        else "add them with a name, or save the mask without smoothing and not as JPEG"
    )
    return (
        f"{path}: has the colours {', '.join(shown)}{more}, {len(colours)} pixels in all, which are not in the palette of "
        f"{labels.source}; {remedy}"
    )


def unknown_numbers(path: Path, unknown: np.ndarray, has_zero: bool, labels: LabelTable) -> str:
    """The line about a mask with numbers that mean nothing."""
    shown = ", ".join(str(value) for value in unknown[:SHOWN]) + (", ..." if len(unknown) > SHOWN else "")
    n_labels = len(labels.labels)
    if list(labels.labels) != list(range(n_labels)) or np.count_nonzero(labels.table == IGNORE) > 1:
        return f"{path}: has the values {shown}, but {labels.source} lists {labels.expected}; add them to names or to ignore"
    remedy = "write class numbers, or add names to data.yaml"
    if unknown.tolist() == [n_labels] and not has_zero:
        counted = ", ".join(f"{value + 1}: {name}" for value, name in labels.labels.items())
        remedy = "class numbers start at 0: subtract 1 from every value"
        remedy += (
            f", or write `names: {{{counted}}}`" if len(counted) < 80 else ", or give names their values in data.yaml"
        )
    return f"{path}: has the values {shown}, but {n_labels} names allow 0 to {n_labels - 1} (255: ignore); {remedy}"


def called(number: int, labels: LabelTable) -> str:
    """A class in words: the labels that it is made of."""
    if number == IGNORE:
        return "ignored"
    return "/".join(name for value, name in labels.labels.items() if labels.table[value] == number)


def as_list(colour: np.ndarray) -> str:
    return str([int(value) for value in colour])


def _unpacked(colour: int) -> tuple[int, int, int]:
    return colour >> 16, colour >> 8 & 255, colour & 255
