"""The Q-tips generator, inside this package so that it can never be confused with somebody else's `data_gen`.

In the repository the generator is the folder data_gen/ at the top, and this file points there. A wheel holds that folder here, in
place of this file.
"""

from pathlib import Path
from typing import TYPE_CHECKING

__path__ = [
    str(Path(__file__).resolve().parents[2] / "data_gen")
]  # where imexseg.data_gen.qtips and the others are found
__all__ = ["CLASS_NAMES", "PALETTE", "PRESETS", "Preset", "QTips", "write_dataset"]

if TYPE_CHECKING:
    from data_gen import CLASS_NAMES, PALETTE, PRESETS, Preset, QTips, write_dataset
else:
    from imexseg.data_gen.presets import CLASS_NAMES, PALETTE, PRESETS, Preset
    from imexseg.data_gen.qtips import QTips
    from imexseg.data_gen.write import write_dataset
