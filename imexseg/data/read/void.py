"""Pixels without a value: transparent ones, those that a GeoTIFF declares as nodata, NaN, and ±1e30 and beyond.

Such a pixel is ignored: its mask is 255, and neither loss nor statistics count it. The network still sees something there, since
its neighbours look at it: the mean of the other pixels, channel by channel.
"""

import numpy as np

BEYOND_MEANING = (
    1e30  # floats of this size stand for "no value" in the formats of elevation, weather and remote sensing
)


def meaningless(pixels: np.ndarray, nodata: float | None = None) -> np.ndarray | None:
    """Where a pixel holds no measurement. Shapes: (H, W, C) → (H, W) bool, or None if there is no such pixel.

    A floating-point pixel is void if any of its channels is; an integer one, whose nodata value may well be a colour (0 or 255),
    only if all of them are.
    """
    if pixels.dtype.kind == "f":
        # One pass that finds nothing is the rule: NaN fails every comparison.
        sound = np.abs(pixels) < BEYOND_MEANING
        if nodata is not None and np.isfinite(nodata):
            with np.errstate(over="ignore"):
                sound &= pixels != pixels.dtype.type(nodata)
        void = ~sound.all(axis=2)
    elif nodata is not None and nodata == int(nodata if np.isfinite(nodata) else -1):
        void = (pixels == int(nodata)).all(axis=2) if 0 <= nodata <= np.iinfo(pixels.dtype).max else None
    else:
        void = None
    return void if void is not None and void.any() else None


def in_words(void: np.ndarray) -> str:
    """How many pixels have no value, in words."""
    n_void = int(np.count_nonzero(void))
    return f"{n_void} of {void.size} pixels ({n_void / void.size:.2%}) hold no value (nodata, NaN or transparent)"


def with_ignored(mask: np.ndarray, void: np.ndarray | None, ignore: int) -> np.ndarray:
    """A mask in which the pixels without a value are ignored. Shapes: (H, W), (H, W) bool → (H, W), the input where none are.

    Sizes that differ are left for whoever compares image and mask.
    """
    if void is None or void.shape != mask.shape:
        return mask
    result = mask.copy()
    result[void] = ignore
    return result


def filled(pixels: np.ndarray, void: np.ndarray | None) -> np.ndarray:
    """The mean of the other pixels in place of void ones, rounded to the nearest, halves up, for integers; 0 if all are void.

    Shapes: (H, W, C), (H, W) bool → (H, W, C), the input itself if nothing is void.
    """
    if void is None or not void.any():
        return pixels
    result = pixels.copy()
    n_sound = void.size - int(np.count_nonzero(void))
    for c in range(pixels.shape[2]):
        plane = pixels[..., c]
        if not n_sound:
            result[..., c] = 0
        elif pixels.dtype.kind == "u":
            total = int(plane.sum(where=~void, dtype=np.uint64))
            result[..., c][void] = (2 * total + n_sound) // (2 * n_sound)
        else:
            result[..., c][void] = plane.sum(where=~void, dtype=np.float64) / n_sound
    return result
