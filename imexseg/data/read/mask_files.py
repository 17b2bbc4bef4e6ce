"""Masks as their files store them: numbers, and the colours they are displayed in. masks.py decides what they mean."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from imexseg.data.read.decode import FORMATS, bits_per_sample, decoded, read_deep_colour
from imexseg.errors import UsageError

SHOWN = 5  # how many wrong values an error lists
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
_GREYS = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


@dataclass(frozen=True)
class StoredMask:
    """Shapes: numbers (H, W) uint8, grey values or indices of a palette as they stand in the file; None: true colours.
    shown (256, 3) uint8, the colour in which each number is shown.  colours (H, W, 3) uint8; None: one channel.
    alpha (H, W) uint8; None: opaque all over.  indexed: the numbers are indices of a palette.
    """

    numbers: np.ndarray | None
    shown: np.ndarray
    colours: np.ndarray | None = None
    alpha: np.ndarray | None = None
    indexed: bool = False
    equal_channels: bool = False  # true colour, but of greys alone, which are then the numbers

    def true_colours(self) -> np.ndarray:
        """(H, W, 3) uint8."""
        if self.colours is not None:
            return self.colours
        assert self.numbers is not None
        return self.shown[self.numbers]


def read_mask(path: Path) -> np.ndarray:
    """The numbers of a mask, as they stand in the file. Returns: (H, W) uint8.

    Raises: UsageError naming the file and the remedy for colours, for values above 255, and if it cannot be read.
    """
    return only_numbers(read_stored_mask(path), path)


def only_numbers(stored: StoredMask, path: Path) -> np.ndarray:
    """(H, W) uint8. Raises: UsageError for true colours."""
    if stored.numbers is None:
        raise UsageError(
            f"{path}: a mask must have one channel of class numbers, but this one is RGB; replace each colour by its "
            "class number and save an 8-bit PNG, or give the colours in data.yaml (`palette`, one for each name)"
        )
    return stored.numbers


def read_stored_mask(path: Path) -> StoredMask:
    """Any mask without loss: grey of 1 to 64 bits and floats if they hold 0 to 255, palettes, colours, transparency.

    Raises: UsageError naming the file and the remedy for lossy formats, several pages, other values, and damaged files.
    """
    if path.suffix.lower() == ".npy":
        return StoredMask(_from_array(_load_npy(path), path), _GREYS)
    try:
        image = decoded(path)
    except UsageError:
        values = _read_odd_tiff(path)
        if values is None:
            raise
        return StoredMask(_from_array(values, path), _GREYS)
    if image.format in ("JPEG", "WEBP", "TIFF", "GIF"):
        _refuse_losses_and_pages(path)
    mode = image.mode
    if mode in _DEEP:
        return StoredMask(_from_array(np.array(image), path), _GREYS)
    bits = bits_per_sample(image, path)
    if mode in ("1", "L"):
        # Pillow stretches 1, 2 and 4 bits to 0 to 255, which would turn class 1, 3 or 15 into "ignore".
        step = 255 // (2 ** (1 if mode == "1" else bits) - 1)
        shown = np.minimum(_GREYS.astype(int) * step, 255).astype(np.uint8)
        grey = np.array(image.convert("L"))
        clear = image.info.get("transparency")
        return StoredMask(grey // step, shown, alpha=None if clear is None else _opacity(grey // step != clear))
    if mode == "P":
        return _indexed(image)
    if mode in ("LA", "La"):
        plane, alpha = np.moveaxis(np.array(image.convert("LA")), -1, 0)
        if bits > 8:
            raise UsageError(f"{path}: is {bits}-bit grey with transparency; export it as an 8-bit PNG without alpha")
        return StoredMask(plane, _GREYS, alpha=_unless_uniform(alpha))
    if mode in ("RGB", "RGBA", "RGBX", "RGBa", "PA"):
        return _coloured(image, bits, path)
    raise UsageError(f"{path}: is {mode}, which cannot be a mask; export it as an 8-bit PNG of class numbers")


def _indexed(image: Image.Image) -> StoredMask:
    shown = np.zeros((256, 3), dtype=np.uint8)
    palette = np.reshape(image.getpalette("RGB") or [], (-1, 3))[:256]
    shown[: len(palette)] = palette
    numbers = np.array(image)
    clear = image.info.get("transparency")
    alpha = None
    if clear is not None:
        opacity = np.full(256, 255, dtype=np.uint8)
        if isinstance(clear, bytes):
            opacity[: len(clear)] = list(clear)
        else:
            opacity[clear] = 0
        alpha = _unless_uniform(opacity[numbers])
    return StoredMask(numbers, shown, alpha=alpha, indexed=True)


def _coloured(image: Image.Image, bits: int, path: Path) -> StoredMask:
    alpha = None
    if bits > 8:
        deep = np.atleast_3d(read_deep_colour(image, path))
        if (deep % 257).any():
            raise UsageError(f"{path}: has {bits}-bit colours that 8 bits cannot hold; export it as an 8-bit PNG")
        colours = (deep // 257).astype(np.uint8)
        if colours.shape[2] == 1:
            return StoredMask(colours[..., 0], _GREYS)
    else:
        colours = np.array(image.convert("RGB"))
    if image.mode in ("RGBA", "RGBa", "PA"):
        alpha = _unless_uniform(np.array(image.convert("RGBA"))[..., 3])
    elif isinstance(clear := image.info.get("transparency"), tuple):
        alpha = _opacity((colours != np.array(clear)).any(axis=2))
    equal = bool((colours[..., 0] == colours[..., 1]).all() and (colours[..., 1] == colours[..., 2]).all())
    numbers = np.ascontiguousarray(colours[..., 0]) if equal else None
    return StoredMask(numbers, _GREYS, colours, alpha, equal_channels=equal)


def _unless_uniform(alpha: np.ndarray) -> np.ndarray | None:
    """A mask that is equally transparent all over, as overlays are, means what it shows."""
    return None if alpha.size == 0 or (alpha == alpha.flat[0]).all() else alpha


def _opacity(opaque: np.ndarray) -> np.ndarray | None:
    return _unless_uniform(np.where(opaque, 255, 0).astype(np.uint8))


def _from_array(values: np.ndarray, path: Path) -> np.ndarray:
    """Numbers of any dtype as uint8. Raises: UsageError if they are no whole numbers from 0 to 255."""
    if values.dtype == bool:
        return values.astype(np.uint8)
    wrong = ~((values >= 0) & (values <= 255) & (values == np.floor(values)))
    if wrong.any():
        found = np.unique(values[wrong])
        shown = ", ".join(f"{value:.6g}" for value in found[:SHOWN]) + (", ..." if found.size > SHOWN else "")
        raise UsageError(
            f"{path}: mask values must be 0 to 255, found {shown} in {int(wrong.sum())} pixels; write class numbers, "
            "as an 8-bit PNG"
        )
    return values.astype(np.uint8)


def _load_npy(path: Path) -> np.ndarray:
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except Exception as error:  # numpy raises whatever it stumbles over in the bytes of strangers
        raise UsageError(f"{path}: is not a readable .npy array ({' '.join(str(error).split())[:100]})") from None
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "buif" or np.squeeze(values).ndim != 2:
        shape = getattr(values, "shape", "several arrays")
        raise UsageError(f"{path}: has the shape {shape}; store height and width, with one class number per pixel")
    return np.squeeze(values)


def _refuse_losses_and_pages(path: Path) -> None:
    """Raises: UsageError for JPEG, lossy WebP, and for films and stacks of several pages."""
    try:
        with Image.open(path, formats=FORMATS) as header:
            kind, pages = header.format, getattr(header, "n_frames", 1)
        with open(path, "rb") as file:
            begin = file.read(64)
        if kind == "TIFF" and pages > 1:
            with tifffile.TiffFile(path) as tiff:
                pages = len([page for page in tiff.pages if not page.aspage().is_reduced])
    except Exception:  # whoever decodes it explains it
        return
    if kind == "JPEG" or (kind == "WEBP" and b"VP8 " in begin):
        name = "JPEG" if kind == "JPEG" else "lossy WebP"
        raise UsageError(f"{path}: {name} changes values to save space, so class numbers are lost; export masks as PNG")
    if pages > 1:
        raise UsageError(
            f"{path}: has {pages} pages, and it is not known which of them is the mask; save one page per file"
        )


def _read_odd_tiff(path: Path) -> np.ndarray | None:
    """One channel of a kind that Pillow does not read, such as 64 bits; None if it is none."""
    try:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            if page.samplesperpixel != 1 or int(page.photometric) not in (0, 1) or page.dtype is None:
                return None
            return np.asarray(page.asarray(maxworkers=1))
    except Exception:
        return None
