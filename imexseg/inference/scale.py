"""Whether an image is of the scale that a network was trained at."""

from typing import Any

UNLIKE = 2.0  # times as large, or as small: sizes of photographs of one kind differ by less


def other_size(info: Any, long_side: int | None, height: int, width: int) -> str | None:
    """What a person should know of an image that is much larger or smaller than those of training; None if it is not.

    Args: info: of the weights or the exported file.  long_side: that the network scales every image to, whatever its size.
    """
    size = info.data.get("size")
    if long_side is not None or not _is_size(size):
        return None
    factor = max(height, width) / max(size)
    if 1 / UNLIKE < factor < UNLIKE:
        return None
    what = "larger" if factor > 1 else "smaller"
    return (
        f"is much {what} than the images of training, {size[1]} x {size[0]} px; these weights know one scale, so what it shows "
        "should have as many pixels as there: if it has not, scale the image, or train with --long-side"
    )


def _is_size(size: Any) -> bool:
    """Metadata may say anything."""
    return (
        isinstance(size, list | tuple) and len(size) == 2 and all(isinstance(side, int) and side > 0 for side in size)
    )
