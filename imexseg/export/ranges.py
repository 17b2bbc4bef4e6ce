"""Which range of values eight bits shall cover, for every tensor: what loses least, in the mean of squares, on given images.

The whole range would spend most of the 256 levels on a few values far out; a fixed percentile cuts off the lowest frequencies
of a spectrum, which are few and matter most. What is lost is measured instead: rounding within the range, clipping beyond it.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
import onnxruntime

Range = tuple[float, float]

_CELLS = 4096  # of a histogram
_CANDIDATES = np.geomspace(0.05, 1.0, 40)  # shares of the whole range


def ranges(
    model: onnx.ModelProto, tensors: Iterable[str], images: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, Range]:
    """Lowest and highest value to be kept of each float tensor. Args: images: inputs of the model, one call each."""
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
    return {name: _best(counts[n], float(lowest[n]), float(highest[n])) for n, name in enumerate(names)}


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
    """Of shrunken copies of the range the one that loses least. It keeps zero, which padding needs exactly."""
    lowest, highest = min(lowest, 0.0), max(highest, 0.0)
    if not highest > lowest:
        return lowest, highest
    width = (highest - lowest) / len(counts)
    centres = lowest + width * (np.arange(len(counts)) + 0.5)
    found, least = (lowest, highest), np.inf
    for share in _CANDIDATES:
        low, high = share * lowest, share * highest
        clipped = centres - np.clip(centres, low, high)
        rounding = ((high - low) / (levels - 1)) ** 2 / 12
        lost = float((counts * (clipped**2 + rounding)).sum())
        if lost < least:
            found, least = (low, high), lost
    return found
