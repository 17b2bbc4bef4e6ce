"""How large an image is, without reading its pixels."""

import struct
from pathlib import Path

import numpy as np
from PIL import Image

from imexseg.data.read.bands import channels_last
from imexseg.data.read.decode import FORMATS, TIFF_BEGINS

_PNG_BEGINS = b"\x89PNG\r\n\x1a\n"


def stored_size(path: Path) -> tuple[int, int] | None:
    """(height, width) in pixels as stored, perhaps before it is turned upright; None if that cannot be told: whoever reads the
    image explains why."""
    try:
        if path.suffix.lower() == ".npy":
            return channels_last(np.load(path, mmap_mode="r", allow_pickle=False)).shape[:2]
        with open(path, "rb") as file:
            begin = file.read(24)
        if begin.startswith(
            _PNG_BEGINS
        ):  # most of the small ones: Pillow would take longer to open them than the network
            width, height = struct.unpack(">II", begin[16:24])
            return height, width
        if begin[:4] in TIFF_BEGINS:
            import tifffile  # takes a fifth of a second: other formats do without

            with tifffile.TiffFile(path) as tiff:
                page = tiff.pages.first
                return page.imagelength, page.imagewidth
        with Image.open(path, formats=FORMATS) as image:
            return image.height, image.width
    except Exception:  # decoders raise whatever they stumble over
        return None
