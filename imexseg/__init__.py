"""Semantic segmentation on networks motivated by partial differential equations.

import imexseg
network = imexseg.load("runs/x/best.safetensors")
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "load"]

if TYPE_CHECKING:
    from imexseg.models.artefact import load as load


def __getattr__(name: str):
    # Torch takes seconds to import: only who asks for `load` pays for it, not `imexseg --help`.
    if name == "load":
        try:
            from imexseg.models.artefact import load
        except ImportError as error:
            from imexseg.missing import explain_import

            if (explained := explain_import(error)) is None:
                raise
            raise ImportError(f"imexseg.{name}: {explained}", name=error.name) from error
        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
