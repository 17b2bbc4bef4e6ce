"""What the images of each preset contain. Lengths and widths are fractions of the image size, ends included."""

from dataclasses import dataclass

CLASS_NAMES = ("background", "white-white", "white-black", "black-black")
PALETTE = (
    (40, 42, 54),
    (240, 228, 66),
    (0, 158, 115),
    (204, 121, 167),
)  # Okabe and Ito: told apart by colour-blind eyes

BAR, WHITE, BLACK = 128, 255, 1  # grey values; the two ends are squares as wide as the bar


@dataclass(frozen=True)
class Preset:
    """One recipe. Raises: ValueError if the ranges are not ordered."""

    description: str
    default_size: int
    background: int
    length: tuple[float, float]
    width: tuple[float, float]
    n_bars: int = 1
    centred: bool = True
    noise: float = 0.0  # standard deviation in grey values, over the whole image

    def __post_init__(self):
        for low, high in (self.length, self.width):
            if not 0 < low <= high <= 1:
                raise ValueError(f"a range of fractions must satisfy 0 < low <= high <= 1, got {low} and {high}")


PRESETS = {
    "authors": Preset(
        "one centred bar, as in the images that the IMEXnet authors published",
        default_size=64,
        background=64,
        length=(28 / 64, 61 / 64),
        width=(4 / 64, 7 / 64),
    ),
    "authors-code": Preset(
        "one centred thin bar, as the generator that the IMEXnet authors published draws it",
        default_size=64,
        background=112,
        length=(32 / 64, 59 / 64),
        width=(2 / 64, 2 / 64),
    ),
    "pile": Preset(
        "three bars that cross and overlap anywhere in the frame, under noise",
        default_size=128,
        background=64,
        length=(0.45, 0.90),
        width=(0.06, 0.10),
        n_bars=3,
        centred=False,
        noise=12.0,
    ),
}
