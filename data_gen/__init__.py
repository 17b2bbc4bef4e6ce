"""The Q-tips generator: bars whose class depends on both of their ends.

from data_gen import QTips
image, mask = QTips("pile", size=128, seed=0)[17]
"""

from data_gen.presets import CLASS_NAMES, PALETTE, PRESETS, Preset
from data_gen.qtips import QTips
from data_gen.write import write_dataset

__all__ = ["CLASS_NAMES", "PALETTE", "PRESETS", "Preset", "QTips", "write_dataset"]
