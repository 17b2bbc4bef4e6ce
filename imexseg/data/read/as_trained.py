"""The one rule for images that are stored differently from the training images: channels, scale, rounding, range.

With S the network's white (`full_scale`), W the image's white and v a pixel value:

    channels   grey is repeated; colour becomes luma = (299 R + 587 G + 114 B) / 1000 (ITU-R 601), in whole numbers for integers
    scale      v S / W; an image stored as the training images were keeps its values
    rounding   to the nearest, halves up, wherever the result is an integer
    range      what does not fit the network's type is refused, never wrapped or cut off

W is 255 for uint8, 65535 for uint16 and 1 for floating point, unless the person says otherwise (`--white`). Where the values
speak against that (10 or 12 bits in a file of 16, floats up to 255) the image is refused until the person has said it.
Everything is computed in float64 in the order written, so that every runtime gets the same bits: tests/golden/pixels.json
holds cases that Python and the page (apps/web/src/prepare.js) must both meet. Needs numpy alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from imexseg.errors import UsageError

LUMA = (299, 587, 114)  # thousandths of red, green and blue, ITU-R 601
TWELVE_BITS = 4095  # an image of 16 bits whose values end here or below may hold 8, 10 or 12 bits
DARKER = 8  # the image's highest value may be so many times lower than that of the training images
_KINDS = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
_BLOCK = 1 << 20  # values that are converted at once: float64 of a whole large image would not fit


class Trained(Protocol):
    """What weights say of the pixels that they were trained on (models/info.py)."""

    @property
    def full_scale(self) -> float: ...

    @property
    def pixel_range(self) -> Any: ...  # dtype, lowest, highest; or None


@dataclass(frozen=True)
class Conversion:
    """How the values of one image become those of the network. note: what a person should know of it, in words."""

    full_scale: float
    white: float
    dtype: np.dtype
    note: str | None = None

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(H, W, C) → (H, W, C) of the network's dtype."""
        if self.white == self.full_scale and image.dtype == self.dtype:
            return image
        result = np.empty(image.shape, self.dtype)
        rows = max(1, _BLOCK // max(1, image[:1].size))
        for top in range(0, len(image), rows):
            scaled = image[top : top + rows].astype(np.float64) * self.full_scale / self.white
            result[top : top + rows] = np.floor(scaled + 0.5) if self.dtype.kind == "u" else scaled
        return result


def full_scale(dtype: np.dtype) -> float:
    """The pixel value that stands for white by default: 255 for uint8, 65535 for uint16, 1 for floating point."""
    return float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0


def trained_dtype(trained: Trained) -> np.dtype:
    """Of the training images; of weights that do not say it, the one whose white they have."""
    if trained.pixel_range is not None:
        return np.dtype(trained.pixel_range.dtype)
    return np.dtype({255.0: np.uint8, 65535.0: np.uint16}.get(trained.full_scale, np.float32))


def as_trained(
    image: np.ndarray, trained: Any, name: str | Path = "image", white: float | None = None
) -> tuple[np.ndarray, str | None]:
    """An image with the channels, the type and the scale of the training images, and what was done, in words.

    Args: image: (H, W, C) uint8, uint16 or floating point.  white: the value in the image that means white, if not by its type.
    Raises: UsageError naming the image, its values and the remedy if it cannot be converted without a guess or a loss.
    """
    pixels = to_channels(image, trained.in_channels, name)
    convert = conversion(trained, pixels.dtype, *extremes(pixels, name), name, white)
    return convert(pixels), convert.note


def extremes(image: np.ndarray, name: str | Path = "image") -> tuple[float, float]:
    """The lowest and the highest value. Raises: UsageError if one is NaN or infinite, or if there is none."""
    if image.size == 0:
        raise UsageError(f"{name}: has no pixels")
    lowest, highest = float(image.min()), float(image.max())
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise UsageError(
            f"{name}: has pixels that are NaN or infinite; replace them by a number, and ignore those pixels in the result"
        )
    return lowest, highest


def conversion(
    trained: Trained,
    dtype: np.dtype,
    lowest: float,
    highest: float,
    name: str | Path = "image",
    white: float | None = None,
) -> Conversion:
    """The rule for an image of this type whose values lie between two extremes. Raises: UsageError as as_trained."""
    if dtype.name not in _KINDS and dtype.kind != "f":
        raise UsageError(f"{name}: is {dtype}, which would have to be cast; store it as {', '.join(_KINDS)}")
    kind, scale = trained_dtype(trained), trained.full_scale
    stored_alike = dtype == kind or (dtype.kind == "f" and kind.kind == "f")
    chosen = white
    if white is None:
        white = scale if stored_alike else _white(dtype, lowest, highest, name)
    if white != scale or not stored_alike:
        _require_white(trained, dtype, name)
    low, high = lowest * scale / white, highest * scale / white
    if kind.kind == "u" and not (low > -0.5 and high < np.iinfo(kind).max + 0.5):
        raise UsageError(
            f"{name}: holds {lowest:g} to {highest:g}, so with white at {white:g} it does not fit the {kind} of the weights; "
            f"say with --white which value is white, or store the image as {kind}"
        )
    note = _outside(trained, low, high, name) if chosen is None and kind != np.uint8 else None
    if not stored_alike or white != scale:
        note = f"{dtype} with white at {white:g} was converted to {kind} with white at {scale:g}, as the weights expect"
    return Conversion(scale, white, kind, note)


def to_channels(image: np.ndarray, channels: int, name: str | Path) -> np.ndarray:
    """Bring (H, W, C) to (H, W, channels), dtype kept: grey is repeated, colour becomes luma.

    Raises: UsageError naming found and expected numbers if neither applies.
    """
    found = image.shape[2]
    if found == channels:
        return image
    if found == 1 and channels == 3:
        return np.repeat(image, 3, axis=2)
    if found == 3 and channels == 1:
        if np.issubdtype(image.dtype, np.integer):
            luma = (_weighted(image, np.uint32) + 500) // 1000
        else:
            luma = _weighted(image, np.float64) / 1000
        return luma.astype(image.dtype)[..., None]
    raise UsageError(f"{name}: has {found} channels, but the network takes {channels}; convert the image")


def _weighted(image: np.ndarray, kind: Any) -> np.ndarray:
    red, green, blue = (image[..., c].astype(kind) * kind(weight) for c, weight in enumerate(LUMA))
    return red + green + blue


def odd_white(dtype: np.dtype, lowest: float, highest: float) -> tuple[str, float] | None:
    """Values for which white is hardly that of their type: what they look like, in words, and what white may be."""
    if dtype == np.uint16 and 0 < highest <= TWELVE_BITS:
        bits = next(bits for bits in (8, 10, 12) if highest < 2**bits)
        return f"16-bit but holds no value above {highest:g}, like a {bits}-bit image", 2**bits - 1
    if dtype.kind == "f" and not (lowest >= 0 and highest <= 1):
        likely = next((white for white in (255, TWELVE_BITS, 65535) if highest <= white), round(highest))
        return f"floating point from {lowest:g} to {highest:g}, not 0 to 1", likely
    return None


def _white(dtype: np.dtype, lowest: float, highest: float, name: str | Path) -> float:
    """The white of an image stored otherwise than the training images. Raises: UsageError if the values leave it open."""
    odd = odd_white(dtype, lowest, highest)
    if odd is not None:
        said, white = odd
        dark = ", or --white 65535 if the image really is that dark" if dtype == np.uint16 else ""
        raise UsageError(f"{name}: is {said}; say which value is white: --white {white:g}{dark}")
    return full_scale(dtype)


def _require_white(trained: Trained, dtype: np.dtype, name: str | Path) -> None:
    """Raises: UsageError if it is not known which value of the training images is white."""
    seen, scale = trained.pixel_range, trained.full_scale
    if seen is None or seen.dtype == "uint8":
        return
    unlike = scale == 65535 and seen.highest <= TWELVE_BITS
    if unlike or seen.highest > 2 * scale or seen.lowest < -0.01 * scale:
        raise UsageError(
            f"{name}: is {dtype}, but the weights were trained on {seen.dtype} from {seen.lowest:g} to {seen.highest:g} without "
            "saying which value is white; store the image in the same way, or train with `white:` in data.yaml"
        )


def _outside(trained: Trained, lowest: float, highest: float, name: str | Path) -> str | None:
    """Compare with what was trained on. Raises: UsageError for values far outside of it. Returns: a remark, or None."""
    seen = trained.pixel_range
    if seen is None:
        return None
    span = seen.highest - seen.lowest
    where = (
        f"{name}: holds {lowest:g} to {highest:g}, but the weights were trained on {seen.lowest:g} to {seen.highest:g}"
    )
    if highest > seen.highest + span or lowest < seen.lowest - span / 2:
        raise UsageError(
            f"{where}; scale it in the same way, or say which value is white (--white {trained.full_scale:g} takes it as it is)"
        )
    if seen.lowest >= 0 and 0 < DARKER * highest < seen.highest:
        raise UsageError(
            f"{where}, {DARKER} times brighter or more; say which value is white (--white {trained.full_scale:g} takes it as it "
            "is)"
        )
    if highest > seen.highest + span / 4 or lowest < seen.lowest - span / 4:
        return f"holds {lowest:g} to {highest:g}, but the weights were trained on {seen.lowest:g} to {seen.highest:g}"
    return None
