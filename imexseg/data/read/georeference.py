"""Where on Earth an image lies: the tags of a GeoTIFF, carried from an image to its mask as they stand.

Source: OGC GeoTIFF 1.1 (OGC 19-008r4), clause 7.
"""

from pathlib import Path
from typing import Any

import numpy as np

MODEL_TAGS = (33550, 33922, 34264)  # ModelPixelScale, ModelTiepoint, ModelTransformation: float64
_KEYS = 34735  # GeoKeyDirectory: uint16
_DOUBLES, _TEXT = 34736, 34737  # GeoDoubleParams, GeoAsciiParams
_ORIENTATION = 274
TIFF_BEGINS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ExtraTag = tuple[int, str, int, Any, bool]  # as tifffile writes it: code, type, count, value, on the first page only


def read_georeference(path: Path) -> tuple[list[ExtraTag], str | None]:
    """The tags, ready to be written; none if it is no GeoTIFF. Second: why they cannot be carried, in words, if so.

    Files that cannot be read have none: whoever decodes them explains them.
    """
    try:
        with open(path, "rb") as file:
            if file.read(4) not in TIFF_BEGINS:
                return [], None
        import tifffile  # takes a fifth of a second: other formats do without

        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            found = {code: page.tags.valueof(code) for code in (*MODEL_TAGS, _KEYS, _DOUBLES, _TEXT)}
            turned = page.tags.valueof(_ORIENTATION, 1) != 1
        tags = [_extra_tag(code, value) for code, value in found.items() if value is not None]
    except Exception:
        return [], None
    if not any(code in MODEL_TAGS for code, *_ in tags):  # a coordinate system without a place, or no GeoTIFF at all
        return [], None
    if turned:
        return (
            [],
            "its georeference is for the image as stored, but it was turned upright; the mask has no georeference",
        )
    return tags, None


def _extra_tag(code: int, value: Any) -> ExtraTag:
    if code == _TEXT:
        return code, "s", 0, str(value), True
    numbers = tuple(np.atleast_1d(value).tolist())
    return code, "H" if code == _KEYS else "d", len(numbers), numbers, True
