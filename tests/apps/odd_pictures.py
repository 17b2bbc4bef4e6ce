"""Image files of every kind that a browser or Pillow might read otherwise, or not at all: sound ones, odd ones, damaged ones."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

RANDOM = np.random.default_rng(3)
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # PNG colour types
END = b"\xff\xd9"  # of a JPEG


def smooth(height: int, width: int, channels: int) -> np.ndarray:
    """Colours that change slowly, (H, W, C) uint8."""
    coarse = RANDOM.integers(0, 256, (height // 12 + 2, width // 12 + 2, channels), dtype=np.uint8)
    planes = [
        Image.fromarray(coarse[..., c]).resize((width, height), Image.Resampling.BICUBIC) for c in range(channels)
    ]
    return np.stack([np.array(plane) for plane in planes], axis=2)


SMALL = smooth(21, 30, 4)
SMALL[3:8, 4:9, 3] = 0
COLOUR = np.ascontiguousarray(SMALL[..., :3])
DEEP = SMALL.astype(">u2") * 257
DEEP[10:12, 10:12, 3] = 77  # nearly transparent
LARGE = smooth(90, 120, 3)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def packed(samples: np.ndarray, depth: int) -> bytes:
    """Rows of a PNG, each after the number of its filter. Shapes: (H, W, C), of 16 bits in big-endian order."""
    if depth >= 8:
        rows = np.ascontiguousarray(samples).view(np.uint8).reshape(len(samples), -1)
    else:
        per_byte = 8 // depth
        flat = samples.reshape(len(samples), -1)
        flat = np.pad(flat, ((0, 0), (0, -flat.shape[1] % per_byte))).reshape(len(samples), -1, per_byte)
        rows = (flat << (np.arange(per_byte)[::-1] * depth)).sum(axis=2).astype(np.uint8)
    return b"".join(b"\0" + row.tobytes() for row in rows)


def interlaced(samples: np.ndarray, depth: int) -> bytes:
    passes = [samples[top::down, left::across] for top, left, down, across in ADAM7]
    return b"".join(packed(part, depth) for part in passes if part.size)


def png(
    samples: np.ndarray | bytes,
    colour: int,
    depth: int = 8,
    before: bytes = b"",
    after: bytes = b"",
    lace: bool = False,
) -> bytes:
    """Args: samples: or the bytes of all rows.  before, after: chunks around the pixels."""
    if isinstance(samples, np.ndarray):
        samples = (interlaced if lace else packed)(samples, depth)
    header = struct.pack(">IIBBBBB", 30, 21, depth, colour, 0, 0, lace)
    pixels = chunk(b"IDAT", zlib.compress(samples))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + pixels + after + chunk(b"IEND", b"")


def saved(pixels: np.ndarray | Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int) -> bytes:
    data = Image.Exif()
    data[0x112] = orientation
    return data.tobytes()


def key(*values: int) -> bytes:
    """The chunk that calls one grey or colour transparent."""
    return chunk(b"tRNS", struct.pack(f">{len(values)}H", *values))


def flipped(content: bytes, at: int) -> bytes:
    at %= len(content)
    return content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]


def pngs() -> dict[str, bytes]:
    grey = COLOUR[..., :1]
    colours = chunk(b"PLTE", bytes(RANDOM.integers(0, 256, 768, dtype=np.uint8)))
    deep_grey, deep_colour = DEEP[..., :1], DEEP[..., :3].copy()
    deep_colour[5, 6] = deep_colour[5, 5] + np.array([3, 0, 0])
    found = {
        "suggested-palette": png(COLOUR, RGB, before=chunk(b"PLTE", bytes(30))),
        "suggested-palette-alpha": png(SMALL, RGBA, before=chunk(b"PLTE", bytes(30))),
        "deep-alpha": png(DEEP, RGBA, 16),
        "deep-grey-alpha": png(DEEP[..., [0, 3]], GREY_ALPHA, 16),
        "deep-grey-key": png(deep_grey, GREY, 16, key(int(deep_grey[5, 5, 0]))),
        "deep-colour-key": png(deep_colour, RGB, 16, key(*map(int, deep_colour[5, 5]))),
        "colour-key": png(COLOUR, RGB, before=key(*map(int, COLOUR[5, 5]))),
        "key-of-more-bits": png(grey, GREY, before=key(int(grey[5, 5, 0]) + 256)),
        "key-of-none": png(SMALL, RGBA, before=key(0, 1, 2)),
        "interlaced": png(SMALL, RGBA, lace=True),
        "interlaced-deep": png(DEEP, RGBA, 16, lace=True),
        "palette-alpha": png(grey, PALETTE, before=colours + chunk(b"tRNS", bytes([255] * 99 + [0] * 60 + [3] * 9))),
        "palette-missing": png(grey, PALETTE),
        "palette-of-one": png(grey, PALETTE, before=chunk(b"PLTE", bytes(3))),
        "exif-after": png(SMALL, RGBA, after=chunk(b"eXIf", exif(6)[6:])),
        "exif-of-junk": png(SMALL, RGBA, before=chunk(b"eXIf", b"hello world")),
        "profile-of-junk": png(COLOUR, RGB, before=chunk(b"iCCP", b"x\0\0junk")),
        "text-of-junk": png(COLOUR, RGB, before=chunk(b"tEXt", b"\xff" * 90)),
        "early": png(packed(COLOUR, 8)[:-40], RGB),
        "early-interlaced": png(interlaced(COLOUR, 8)[:-40], RGB, lace=True),
        "empty": png(b"", RGB),
        "late": png(packed(COLOUR, 8) + bytes(500), RGB),
        "wrong-filter": png(b"\7" + packed(COLOUR, 8)[1:], RGB),
        "of-3-bits": png(grey, GREY, 8).replace(b"\x08\0\0\0\0", b"\x03\0\0\0\0", 1),
        "film": saved(Image.fromarray(COLOUR), "PNG", save_all=True, append_images=[Image.fromarray(255 - COLOUR)]),
        "film-apart": saved(
            Image.fromarray(COLOUR),
            "PNG",
            save_all=True,
            default_image=True,
            append_images=[Image.fromarray(255 - COLOUR)] * 2,
        ),
        "all-transparent": png(SMALL * 0, RGBA),
    }
    for depth in (1, 2, 4):
        samples = grey >> (8 - depth)
        palette = chunk(b"PLTE", colours[8 : 8 + 3 * 2**depth])
        found |= {
            f"grey-{depth}": png(samples, GREY, depth),
            f"grey-{depth}-key": png(samples, GREY, depth, key(1)),
            f"grey-{depth}-interlaced": png(samples, GREY, depth, key(1), lace=True),
            f"palette-{depth}": png(samples, PALETTE, depth, palette + chunk(b"tRNS", b"\xff\0")),
            f"palette-{depth}-interlaced": png(samples, PALETTE, depth, palette, lace=True),
        }
    for orientation in range(10):
        turn = chunk(b"eXIf", exif(orientation)[6:])
        found[f"turned-{orientation}"] = png(SMALL, RGBA, before=turn)
        found[f"turned-{orientation}-deep"] = png(deep_grey, GREY, 16, turn)
        found[f"turned-{orientation}-interlaced"] = png(grey >> 4, GREY, 4, turn, lace=True)
    whole = png(COLOUR, RGB)
    for kind in ("eXIf", "iCCP", "tEXt", "abcd"):
        found[f"wrong-{kind}"] = png(SMALL, RGBA, before=flipped(chunk(kind.encode(), exif(6)[6:]), -1))
    for kind in ("eXIf", "tEXt", "abcd"):
        found[f"wrong-late-{kind}"] = png(SMALL, RGBA, after=flipped(chunk(kind.encode(), exif(6)[6:]), -1))
    found["no-name"] = png(SMALL, RGBA, before=chunk(b"ab\xe9d", b""))
    wrong_end = png(COLOUR[..., :1] >> 4, GREY, 4, lace=True)
    found["wrong-end-interlaced"] = flipped(wrong_end, len(wrong_end) - 2)
    found |= {"tail": whole + b"hello", "no-end": whole[:-12]}
    found |= {f"cut-{at}": whole[:at] for at in (8, 20, 33, 40, 60, 200, len(whole) - 20, len(whole) - 6)}
    found |= {f"flipped-{at}": flipped(whole, at) for at in (5, 18, 30, 45, 70, 300, len(whole) - 3, len(whole) - 14)}
    return {f"{name}.png": content for name, content in found.items()}


def others() -> dict[str, bytes]:
    hole = np.dstack([LARGE, np.where(LARGE[..., 0] > 99, 255, 0).astype(np.uint8)])
    indexed = Image.fromarray(LARGE).quantize(40)
    translucent = Image.fromarray(smooth(90, 120, 4))
    jpeg, progressive = saved(LARGE, "JPEG"), saved(LARGE, "JPEG", progressive=True)
    webp, lossless = saved(LARGE, "WEBP"), saved(LARGE, "WEBP", lossless=True)
    gif = saved(indexed, "GIF")
    pair = {"save_all": True, "append_images": [Image.fromarray(255 - LARGE)]}
    found = {
        "grey.jpg": saved(LARGE[..., 0], "JPEG"),
        "progressive.jpg": progressive,
        "cmyk.jpg": saved(Image.fromarray(smooth(90, 120, 4), "CMYK"), "JPEG"),
        "rgb.jpg": saved(LARGE, "JPEG", keep_rgb=True),
        "odd-sides.jpg": saved(smooth(91, 123, 3), "JPEG"),
        "tail.jpg": jpeg + b"hello",
        "grey-early.jpg": saved(LARGE[..., 0], "JPEG")[:-400] + END,
        "progressive-early.jpg": progressive[:-400] + END,
        "transparent.gif": saved(indexed, "GIF", transparency=7),
        "interlaced.gif": saved(indexed, "GIF", interlace=1),
        "film.gif": saved(indexed, "GIF", **pair),
        "smaller-frame.gif": gif[:6] + struct.pack("<H", 140) + gif[8:],
        "transparent.bmp": saved(hole, "BMP"),
        "transparent.webp": saved(hole, "WEBP", lossless=True),
        "film.webp": saved(Image.fromarray(LARGE), "WEBP", **pair),
        "translucent.webp": saved(translucent, "WEBP"),
        "picture.avif": saved(LARGE, "AVIF"),
        "picture.ico": saved(LARGE[:64, :64], "ICO"),
        "picture.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="5" height="5"/></svg>',
        "picture.tif": saved(LARGE, "TIFF"),
        "picture.ppm": saved(LARGE, "PPM"),
        "text.jpg": b"hello, I am a text",
    }
    found |= {f"{mode}.bmp": saved(Image.fromarray(LARGE).convert(mode), "BMP") for mode in ("1", "L", "P", "RGB")}
    for sampling in range(3):
        found[f"sampling-{sampling}.jpg"] = saved(LARGE, "JPEG", subsampling=sampling)
    for orientation in range(1, 9):
        found[f"turned-{orientation}.jpg"] = saved(LARGE, "JPEG", exif=exif(orientation))
        found[f"turned-{orientation}.webp"] = saved(hole, "WEBP", lossless=True, exif=exif(orientation))
    for part in (0.05, 0.5, 0.9, 0.99):
        for name, whole in {
            "jpg": jpeg,
            "gif": gif,
            "bmp": saved(LARGE, "BMP"),
            "webp": webp,
            "lossless.webp": lossless,
        }.items():
            found[f"cut-{part}.{name}"] = whole[: int(len(whole) * part)]
        if part > 0.1:
            found[f"cut-{part}-early.jpg"] = jpeg[: int(len(jpeg) * part)] + END
    return found


PICTURES = pngs() | others()
