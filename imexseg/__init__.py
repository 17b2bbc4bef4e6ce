"""Semantic segmentation with networks motivated by partial differential equations.

import imexseg
network = imexseg.load("runs/x/best.safetensors")
"""

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = ["NETWORKS", "Predictor", "__version__", "load"]

# Torch takes seconds to import: only who asks for one of these pays for it, not `imexseg --help`.
_PUBLIC = {
    "NETWORKS": "imexseg.models.catalogue",  # name → what it is for
    "Predictor": "imexseg.inference.predictor",  # a network → masks of images as they were read
    "load": "imexseg.models.artefact",  # a weights file → a network
}


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        try:
            return getattr(importlib.import_module(_PUBLIC[name]), name)
        except ImportError as error:
            from imexseg.missing import explain_import

            if (explained := explain_import(error)) is None:
                raise
            raise ImportError(f"imexseg.{name}: {explained}", name=error.name) from error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
