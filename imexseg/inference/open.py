"""Opening weights, by name or file, with the runtime they are meant for."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from imexseg.errors import UsageError
from imexseg.inference.footprint import Footprint
from imexseg.inference.prediction import Prediction
from imexseg.missing import explain_import


class AnyPredictor(Protocol):
    """What torch, onnxruntime and their wrappers have in common. `info` has names, palette, values, full_scale, in_channels."""

    info: Any  # a PredictionInfo with in_channels and training: ModelInfo or OnnxInfo
    seen_radius: int  # pixels, see overlap.py
    parameters: int
    long_side: int | None  # pixels that every image is scaled to inside the network; None: seen as it is
    gives_probabilities: bool  # False: of an exported file that gives classes, each as if it were certain

    def predict(self, image: np.ndarray, name: str | Path = "image") -> Prediction: ...

    def segment(self, pixels: np.ndarray, name: str | Path = "image") -> Prediction: ...

    def predict_batch(self, images: list[np.ndarray], name: str | Path = "image") -> list[Prediction]: ...

    def adaptation(self, image: np.ndarray) -> str | None: ...


class SharedPredictor(AnyPredictor, Protocol):
    """One that several threads may call at once, and that knows how much memory it takes."""

    @property
    def footprint(self) -> Footprint: ...

    def classes_batch(self, images: list[np.ndarray], name: str | Path = "image") -> list[np.ndarray]: ...

    def threads(self, number: int | None) -> AbstractContextManager[None]: ...


def open_predictor(weights: str | None) -> SharedPredictor:
    """A predictor for an .onnx file, a .safetensors file, a run folder or shipped weights; None: the default ones.

    An .onnx needs no torch. Raises: UsageError if there is nothing of that name, or it cannot be read, or torch is missing.
    """
    if weights is not None and weights.lower().endswith(".onnx"):
        from imexseg.inference.onnx_predictor import OnnxPredictor

        return OnnxPredictor(Path(weights))
    from imexseg.models.weights import find_weights

    path = find_weights(weights)
    need_torch(f"{weights or 'the default weights'}")
    from imexseg.inference.allocator import keep_freed_memory
    from imexseg.inference.predictor import Predictor
    from imexseg.models.artefact import load

    keep_freed_memory()
    return Predictor(load(path))


def need_torch(what: str) -> None:
    """Raises: UsageError saying what to install if torch is not there."""
    try:
        import safetensors  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise UsageError(f"{what}: {explain_import(error) or error}, or use an exported .onnx") from None
