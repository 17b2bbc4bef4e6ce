"""Colours of classes."""

from typing import Annotated

from pydantic import Field

Byte = Annotated[int, Field(ge=0, le=255)]
Colour = tuple[Byte, Byte, Byte]

_FIRST = (40, 42, 54)  # dark: class 0 is mostly the background
# Each is as far from those before it as it can be, by CIEDE2000; printed by `python -m benchmarks.palette`.
_FARTHEST = """
e100ff 00f000 ff2d00 ffc300 1e78ff 96002d 008700 00e1d2 0000f0 ffb4ff a56900 ff5a87 4b4b00 00c3ff ffb496 005a4b 783c78
969600 1e8796 d2e1a5 693c1e a5b4ff a578a5 004b87 78a587 a57869 ff8700 d20078 d2f000 785ad2 78784b b41e00 c3a578 e1a5b4
00d287 005a0f c387ff 008769 69b42d d23c4b 965a69 ff69d2 ff7869 a5e1f0 0f5a69 a500c3 5a5a87 00b4c3 8787c3 1e96d2 c3960f
a5f0c3 ffd296 693c3c d2c35a 00a55a c35a0f e1d2ff d2875a 87694b 0fa596 b44ba5 96005a 785a00 4b694b 5a2d96 004be1 96a569
4b6900 0078a5 b4a5d2 a5f087 964b3c c37887 5a4b2d 69871e a5c30f ff00a5 87780f 8778ff 964b00 69a5ff 96d2c3 2df0ff 785a78
1eff96 5a875a a569d2 4b69b4 a5874b d29687 ffa500 00783c 781eff d2694b 87c387 ff87b4 ff691e 96c3e1 0fffd2 ffe100 ffd2f0
d296c3 4bc3a5 c35a87 f00f69 ff2d3c 875aa5 c3004b d2871e f0a569 872d00 f0e1b4 e1b45a 5ad25a a51e87 a53cff b4a55a ff9696
a5c369 ffc3c3 96000f d26969 96e12d 964b78 5a9696 4ba5c3 e1001e 007878 4b4ba5 a5693c f05aff 3cd2f0 ffd2b4 78b4b4 d2b4ff
963c4b 8796ff d278a5 5a87a5 4b5a2d 696900 a58769 c3d2ff 783c5a d2a587 00a51e b42d2d ff87ff d25ac3 69a55a c387d2 5a69f0
c3c396 786996 ff9669 870096 d23c00 784b0f 6987c3 d2d200 87a51e d2e178 87873c 7800c3 a56969 b45a3c 4bb4ff 69d2d2 5a783c
ff5a69 1e69a5 e100c3 f0e187 78693c 694b96 966987 1e5a78 c34b69 4b9678 3c4b78 a596f0 d2b400 784b3c 3c7869 96f0f0 87c3d2
a54bc3 5a4bff 1e87e1 b496b4 b4e1ff 7869b4 ffa5d2 e1b4e1 6978a5 78e1c3 a5870f 1e694b 003cb4 96c3a5 965a3c 789669 e16900
ffd269 3c692d ff5aa5 87e196 a59669 5a3c69 5a3cc3 ff0fe1 0f5a5a 873ca5 b4b400 78a5c3 d28787 5ab487 c300e1 d23c96 00c300
c35aff e15a1e ff5a3c b4d2a5 b4695a c3964b 96a5d2 a53c00 a5004b 7878d2 5a962d 005ac3 a587d2 00a578 ff1e5a 96c3ff b4783c
d24b3c 69f0b4 4b873c 875a5a 69b4a5 9687b4 4b78a5 785a2d 009696 c36900 c300b4 694b2d a5780f 873cd2 f096e1
"""


def default_palette(n: int) -> list[Colour]:
    """n colours, at most 254, that differ as much as so many can; those of fewer classes are the first of them."""
    farthest = [bytes.fromhex(colour) for colour in _FARTHEST.split()[: n - 1]]
    return [_FIRST, *((red, green, blue) for red, green, blue in farthest)]
