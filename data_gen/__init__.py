"""The Q-tips generator: bars whose class depends on both of their ends.

from imexseg.data_gen import QTips
image, mask = QTips("pile", size=128, seed=0)[17]
"""

from .presets import CLASS_NAMES, PALETTE, PRESETS, Preset
from .qtips import QTips
from .write import write_dataset

__all__ = ["CLASS_NAMES", "PALETTE", "PRESETS", "Preset", "QTips", "write_dataset"]
