"""TIFF of every kind that Python reads, or refuses: how samples are stored, what they mean, and where pieces are missing."""

import io

import numpy as np
import tifffile
from odd_pictures import DEEP, LARGE, exif, flipped, saved
from PIL import Image

# What Python reads and the page does not: it says so.
REFUSED = {
    "bands-alpha.tif": "of 4 bands with transparency",
    "bands-as-pages.tif": "whose pages are bands of one image",
    "big.tif": "is a BigTIFF",
    "cmyk.tif": "in the colours of print or film",
    "deep-white-is-zero.tif": "of 16-bit numbers in which 0 is white",
    "fax.tif": "compressed by method 4",
    "jpeg.tif": "compressed by method 7",
    "packbits.tif": "compressed by method 32773",
    "premultiplied.tif": "whose colours are multiplied with their transparency",
    "signed.tif": "of 16-bit signed numbers",
    "whole-32-bit.tif": "of 32-bit signed numbers",
}


def tiff(pixels: np.ndarray, **options) -> bytes:
    """As tifffile writes it, without a description unless one is asked for."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **{"metadata": None} | options)
    return buffer.getvalue()


def overview(pixels: np.ndarray) -> bytes:
    """An image with a smaller one of the same, which is no picture of its own."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(pixels, photometric="rgb", metadata=None)
        file.write(pixels[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
    return buffer.getvalue()


def tiffs() -> dict[str, bytes]:
    grey, colour = LARGE[..., 0], LARGE
    deep = np.ascontiguousarray(np.tile(DEEP[..., :3], (3, 4, 1))).astype(np.uint16)
    heights = (LARGE[..., 1] / 7 - 3).astype(np.float32)
    holes = heights.copy()
    holes[5:9, 7:30], holes[20, 20], holes[21, 21] = np.nan, 3e38, -np.inf
    hole = np.dstack([LARGE, np.where(grey > 99, 255, 0).astype(np.uint8)])
    bands = np.dstack([LARGE, 255 - LARGE[..., :2]])
    rgb, plain, nodata = {"photometric": "rgb"}, {"photometric": "minisblack"}, (42113, "s", 0)
    indexed = Image.fromarray(colour).quantize(40)
    found = {
        "grey.tif": saved(grey, "TIFF"),
        "colour.tif": saved(colour, "TIFF"),
        "lzw.tif": saved(colour, "TIFF", compression="tiff_lzw"),
        "deflate.tif": saved(colour, "TIFF", compression="tiff_adobe_deflate"),
        "lzw-predictor.tif": saved(colour, "TIFF", compression="tiff_lzw", tiffinfo={317: 2}),
        "packbits.tif": saved(colour, "TIFF", compression="packbits"),
        "jpeg.tif": saved(colour, "TIFF", compression="jpeg"),
        "fax.tif": saved(Image.fromarray(grey).convert("1"), "TIFF", compression="group4"),
        "1-bit.tif": saved(Image.fromarray(grey).convert("1"), "TIFF"),
        "palette.tif": saved(indexed, "TIFF"),
        "alpha.tif": saved(hole, "TIFF"),
        "grey-alpha.tif": saved(Image.fromarray(hole[..., [0, 3]], "LA"), "TIFF"),
        "cmyk.tif": saved(Image.fromarray(colour).convert("CMYK"), "TIFF"),
        "deep-grey.tif": tiff(deep[..., 0], **plain),
        "deep-colour.tif": tiff(deep, **rgb),
        "deep-alpha.tif": tiff(np.dstack([deep, 1 - (deep[..., :1] > 99)]), **rgb, extrasamples=["unassalpha"]),
        "deep-grey-alpha.tif": tiff(deep[..., :2], **plain, extrasamples=["unassalpha"], planarconfig="contig"),
        "big-endian.tif": tiff(deep, **rgb, byteorder=">"),
        "big-endian-deflate.tif": tiff(deep, **rgb, byteorder=">", compression="zlib", predictor=True),
        "predictor.tif": tiff(colour, **rgb, compression="zlib", predictor=True, rowsperstrip=7),
        "deep-predictor.tif": tiff(deep, **rgb, compression="zlib", predictor=True, rowsperstrip=7),
        "strips.tif": tiff(colour, **rgb, rowsperstrip=11),
        "tiles.tif": tiff(colour, **rgb, tile=(32, 48)),
        "tiles-deflate.tif": tiff(deep, **rgb, tile=(32, 48), compression="zlib", predictor=True),
        "tiles-grey.tif": tiff(grey, **plain, tile=(16, 32), compression="zlib"),
        "planes.tif": tiff(np.moveaxis(colour, -1, 0), **rgb, planarconfig="separate", rowsperstrip=9),
        "planes-deep.tif": tiff(np.moveaxis(deep, -1, 0), **rgb, planarconfig="separate", rowsperstrip=9),
        "planes-tiles.tif": tiff(np.moveaxis(deep, -1, 0), **rgb, planarconfig="separate", tile=(32, 48)),
        "bands.tif": tiff(bands, **plain, planarconfig="contig"),
        "three-bands.tif": tiff(colour, **plain, planarconfig="contig"),
        "two-bands.tif": tiff(bands[..., :2], **plain, planarconfig="contig"),
        "further-band.tif": tiff(bands[..., :4], **rgb, extrasamples=["unspecified"]),
        "bands-alpha.tif": tiff(bands, **plain, planarconfig="contig", extrasamples=[0, 0, 0, 2]),
        "bands-as-pages.tif": tiff(np.moveaxis(bands, -1, 0), **plain, metadata={}),
        "float.tif": tiff(np.abs(heights) / 99, **plain),
        "float-colour.tif": tiff(LARGE.astype(np.float32) / 255, **rgb),
        "float-holes.tif": tiff(holes, **plain),
        "float-nodata.tif": tiff(heights, **plain, extratags=[(*nodata, f"{heights[3, 3]:.9g}", True)]),
        "nodata.tif": tiff(colour, **rgb, extratags=[(*nodata, str(grey[4, 4]), True)]),
        "nodata-grey.tif": tiff(grey, **plain, extratags=[(*nodata, f"{grey[4, 4]} ", True)]),
        "nodata-beyond.tif": tiff(grey, **plain, extratags=[(*nodata, "-9999", True)]),
        "nodata-in-words.tif": tiff(grey, **plain, extratags=[(*nodata, "none", True)]),
        "all-nodata.tif": tiff(grey * 0, **plain, extratags=[(*nodata, "0", True)]),
        "big.tif": tiff(grey, **plain, bigtiff=True),
        "film.tif": saved(
            Image.fromarray(colour), "TIFF", save_all=True, append_images=[Image.fromarray(255 - colour)]
        ),
        "overview.tif": overview(colour),
        "premultiplied.tif": tiff(hole, **rgb, extrasamples=["assocalpha"]),
        "white-is-zero.tif": tiff(grey, photometric="miniswhite"),
        "deep-white-is-zero.tif": tiff(deep[..., 0], photometric="miniswhite"),
        "signed.tif": tiff(grey.astype(np.int16), **plain),
        "double.tif": tiff(heights.astype(np.float64), **plain),
        "whole-32-bit.tif": saved(Image.fromarray(grey.astype(np.int32)), "TIFF"),
        "no-strips.tif": tiff(grey, **plain)[:8] + b"\0\0" + b"\0\0\0\0",
        "in-a-circle.tif": b"II*\0\x08\0\0\0" + b"\0\0" + b"\x08\0\0\0",
    }
    for orientation in range(1, 9):
        found[f"turned-{orientation}.tif"] = saved(colour, "TIFF", exif=exif(orientation))
        turn = {"extratags": [(274, "H", 1, orientation, True)]}
        found[f"turned-{orientation}-deep.tif"] = tiff(deep[..., 0], **plain, **turn)
        found[f"turned-{orientation}-bands.tif"] = tiff(bands, **plain, planarconfig="contig", **turn)
    for name in ("colour", "lzw", "deflate", "tiles"):
        whole = found[f"{name}.tif"]
        found |= {f"cut-{part}-{name}.tif": whole[: int(len(whole) * part)] for part in (0.05, 0.5, 0.9)}
    # Within the packed pixels, where the checksum of the stream tells.
    found["flipped-deflate.tif"] = flipped(found["deflate.tif"], len(found["deflate.tif"]) // 2)
    return found
