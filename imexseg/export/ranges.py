"""Which range of values eight bits may cover, for every tensor: all that occurs, or what loses least in the mean of squares.

The whole range can spend most of the 256 levels on a few values far out; a fixed percentile cuts off the lowest frequencies
of a spectrum, which are few and matter most. What is lost is measured: rounding within the range, clipping beyond it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime

Range = tuple[float, float]  # lowest and highest value


class Ranges(NamedTuple):
    """Of one tensor. whole: from the lowest to the highest value.  best: the part of it that loses least."""

    whole: Range
    best: Range


_CELLS = 4096  # of a histogram
_CANDIDATES = np.geomspace(0.05, 1.0, 40).tolist()  # shares of the whole range


def ranges(
    model: onnx.ModelProto, tensors: Iterable[str], images: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, Ranges]:
    """Of each of the float tensors. Args: images: inputs of the model, one call each."""
    names = list(tensors)
    opened = _showing(model, names)
    lowest, highest = (np.full(len(names), sign * np.inf) for sign in (1, -1))
    for given in images:
        for number, value in enumerate(opened.run(names, dict(given))):
            lowest[number] = min(lowest[number], value.min())
            highest[number] = max(highest[number], value.max())
    counts = np.zeros((len(names), _CELLS))
    for given in images:
        for number, value in enumerate(opened.run(names, dict(given))):
            counts[number] += np.histogram(value, _CELLS, (lowest[number], highest[number]))[0]
    found = {}
    for n, name in enumerate(names):
        low, high = min(float(lowest[n]), 0.0), max(float(highest[n]), 0.0)  # zero exactly: padding needs it
        found[name] = Ranges((low, high), _best(counts[n], float(lowest[n]), float(highest[n])))
    return found


def _showing(model: onnx.ModelProto, names: Iterable[str]) -> onnxruntime.InferenceSession:
    """The model with more outputs."""
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    known = {output.name for output in shown.graph.output}
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(shown.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _best(counts: np.ndarray, lowest: float, highest: float, levels: int = 256) -> Range:
    """Of shrunken copies of the range, made to hold zero, the one that loses least. Args: counts: a histogram over it."""
    width = (highest - lowest) / len(counts)
    centres = lowest + width * (np.arange(len(counts)) + 0.5)
    lowest, highest = min(lowest, 0.0), max(highest, 0.0)
    found: Range = (lowest, highest)
    least = np.inf
    for share in _CANDIDATES:
        low, high = share * lowest, share * highest
        clipped = centres - np.clip(centres, low, high)
        rounding = ((high - low) / (levels - 1)) ** 2 / 12
        lost = float((counts * (clipped**2 + rounding)).sum())
        if lost < least:
            found, least = (low, high), lost
    return found
