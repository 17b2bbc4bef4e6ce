"""A predictor whose layers another runtime computes; whatever stands before and behind them stays the same."""

from pathlib import Path
from typing import Protocol

import numpy as np

from imexseg.edge.engines.litert import LiteRT
from imexseg.edge.engines.ncnn import Ncnn
from imexseg.errors import UsageError
from imexseg.inference.core import CoreSession
from imexseg.inference.onnx_predictor import OnnxPredictor
from imexseg.models.prediction_info import OnnxInfo


class Engine(Protocol):
    """The layers in another runtime. files: that it read."""

    files: list[Path]

    def __init__(self, path: Path, info: OnnxInfo, threads: int): ...

    def __call__(self, normalised: np.ndarray) -> np.ndarray: ...


ENGINES: dict[str, type[Engine]] = {"ncnn": Ncnn, "litert": LiteRT}

_TOLERANCE = 1e-3  # of the spread of the logits; engines in fp32 differ by 1e-6


def predictor_on(engine: str, path: Path, threads: int) -> OnnxPredictor:
    """A predictor for an exported file. Args: engine: onnxruntime, or of ENGINES.  threads: 0 is the engine's own choice.

    The engine's files must lie beside a core file. They are compared with it once, on one image of noise.
    Raises: UsageError if the file is no core file of a fixed size, or the engine or its files are missing, cannot be read, or
    answer otherwise than the core file.
    """
    predictor = OnnxPredictor(path, threads)
    if engine == "onnxruntime":
        return predictor
    core = predictor.info.core
    if core is None or core.input_size is None or not isinstance(predictor.session, CoreSession):
        raise UsageError(
            f"{path}: --engine {engine} takes a core file of a fixed size; write one with imexseg export --core --size H W"
        )
    layers = ENGINES[engine](path, predictor.info, threads)
    given = _noise(predictor.info)
    expected = predictor.session.layers(given)
    _compare(path, layers.files, expected, layers(given))
    predictor.session.layers = layers
    return predictor


def _noise(info: OnnxInfo) -> np.ndarray:
    """Normalised values as of an image. Shapes: (1, C, H, W) float32."""
    assert info.core is not None
    assert info.core.input_size is not None
    return np.random.default_rng(0).standard_normal((1, info.in_channels, *info.core.input_size), np.float32)


def _compare(path: Path, files: list[Path], expected: np.ndarray, found: np.ndarray) -> None:
    names = " and ".join(file.name for file in files)
    again = f"convert {path.name} again (docs/runtimes.md)"
    if found.shape != expected.shape:
        raise UsageError(f"{path}: {names} answers with {found.shape}, not {expected.shape} as it does itself; {again}")
    difference = float(np.abs(found - expected).max() / np.ptp(expected))
    if not difference <= _TOLERANCE:
        raise UsageError(
            f"{path}: {names} answers otherwise: logits differ by {difference:.2g} of their spread, more than {_TOLERANCE:g}; "
            f"{again}"
        )
