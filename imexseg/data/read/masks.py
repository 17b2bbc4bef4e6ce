"""Masks as class numbers: what data.yaml says of their values or colours, applied as they are read."""

from pathlib import Path

import numpy as np

from imexseg.data.description.labels import IGNORE, UNKNOWN, LabelTable, packed
from imexseg.data.pairs.pairs import Pair
from imexseg.data.read.images import read_mask, read_mask_or_colours
from imexseg.errors import UsageError

SHOWN = 5  # how many wrong values an error lists


def read_classes(pair: Pair) -> np.ndarray:
    """The mask of a pair in class numbers, 255 = ignored. Shapes: → (H, W) uint8.

    Raises: UsageError naming the file, the values or colours that mean nothing, and the remedy.
    """
    if pair.labels is None:
        return read_mask(pair.mask)
    values = read_values(pair.mask, pair.labels)
    classes = to_classes(values, pair.labels)
    if (classes == UNKNOWN).any():
        raise UsageError(unknown_values(pair.mask, values, pair.labels))
    return classes


def read_values(path: Path, labels: LabelTable) -> np.ndarray:
    """(H, W) uint8 as they stand in the file, or (H, W, 3) if it has colours and the labels have, too."""
    return read_mask_or_colours(path) if labels.colours else read_mask(path)


def to_classes(values: np.ndarray, labels: LabelTable) -> np.ndarray:
    """Values (H, W), or colours (H, W, 3), as class numbers, 254 where they mean nothing. Shapes: → (H, W) uint8."""
    if values.ndim == 2:
        return labels.table[values]
    known = np.array(sorted(labels.colours), dtype=np.uint32)
    classes = np.array([labels.colours[int(colour)] for colour in known], dtype=np.uint8)
    colours = packed(values)
    nearest = np.minimum(np.searchsorted(known, colours), len(known) - 1)
    return np.where(known[nearest] == colours, classes[nearest], UNKNOWN).astype(np.uint8)


def unknown_values(path: Path, values: np.ndarray, labels: LabelTable) -> str:
    """The line about a mask with values, or colours, that mean nothing."""
    wrong = to_classes(values, labels) == UNKNOWN
    if values.ndim == 3:
        found, counts = np.unique(packed(values[wrong]), return_counts=True)
        found = found[np.argsort(-counts, kind="stable")]
        colours = [str([int(c) >> 16, int(c) >> 8 & 255, int(c) & 255]) for c in found[:SHOWN]]
        return (
            f"{path}: has the colours {_list(colours, len(found))} in {int(wrong.sum())} pixels, which are not in the "
            "palette of data.yaml; add them with a name, or save the mask without smoothing and not as JPEG"
        )
    unknown = np.unique(values[wrong])
    shown = _list([str(value) for value in unknown[:SHOWN]], len(unknown))
    n_labels = len(labels.labels)
    if list(labels.labels) != list(range(n_labels)) or np.count_nonzero(labels.table == IGNORE) > 1:
        return f"{path}: has the values {shown}, but data.yaml knows {labels.expected}; add them to names or to ignore"
    remedy = "write class numbers, or add names to data.yaml"
    if unknown.tolist() == [n_labels] and not (values == 0).any():
        counted = ", ".join(f"{value + 1}: {name}" for value, name in labels.labels.items())
        remedy = "class numbers start at 0: subtract 1 from every value"
        remedy += (
            f", or write `names: {{{counted}}}`" if len(counted) < 80 else ", or give names their values in data.yaml"
        )
    return f"{path}: has the values {shown}, but {n_labels} names make 0 to {n_labels - 1} (255: ignore); {remedy}"


def _list(shown: list[str], total: int) -> str:
    return ", ".join(shown) + (", ..." if total > len(shown) else "")
