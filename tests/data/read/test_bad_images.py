"""Every bad file is explained in one line that names it and the remedy."""

import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES
from imexseg.data.read.images import read_image
from imexseg.data.read.mask_files import read_mask
from imexseg.errors import UsageError

# pytest sets the filters of imexseg.data.read.images aside; outside of tests nobody sees what Pillow says of odd tags.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

GREY = np.arange(12 * 17, dtype=np.uint8).reshape(12, 17)
COLOUR = np.stack([GREY, GREY.T.reshape(12, 17), 255 - GREY], axis=2)
DEEP = GREY.astype(np.uint16) * 257 + 3


def pil(path: Path, pixels: np.ndarray, mode: str | None = None, **options) -> Path:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def read_or_message(read: Callable[[Path], np.ndarray], path: Path) -> np.ndarray | str:
    try:
        return read(path)
    except UsageError as error:
        return str(error)


def tiff(path: Path, pixels: np.ndarray, photometric: int) -> Path:
    """An uncompressed TIFF of a kind that Pillow does not write. Shapes: pixels (H, W, C), C = 1 or more than 2."""
    height, width, channels = pixels.shape
    bits, raw = struct.pack("<H", 8 * pixels.itemsize) * channels, pixels.tobytes()
    short, long = 3, 4
    fields = [
        (256, long, 1, width),
        (257, long, 1, height),
        (258, short, channels, 8 if channels > 2 else 8 * pixels.itemsize),  # their offset, or the only one
        (262, short, 1, photometric),
        (273, long, 1, 8 + len(bits)),
        (277, short, 1, channels),
        (278, long, 1, height),
        (279, long, 1, len(raw)),
        (339, short, 1, 3 if pixels.dtype.kind == "f" else 1),
    ]
    directory = struct.pack("<H", len(fields)) + b"".join(struct.pack("<HHII", *field) for field in fields) + bytes(4)
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 8 + len(bits) + len(raw)) + bits + raw + directory)
    return path


def test_what_would_be_cast_is_refused(tmp_path: Path):
    deep = np.stack([DEEP] * 5, axis=2)
    cases = {
        tiff(tmp_path / "cmyk.tif", deep[..., :4], photometric=5): "is 16-bit CMYK, which cannot be read without loss",
        tiff(tmp_path / "double.tif", deep[..., :1] / 7, photometric=1): "is of float64, which would have to be cast",
        pil(tmp_path / "i.tif", DEEP.astype(np.int32) * 2): "grey values outside 0 to 65535",
        pil(tmp_path / "minus.tif", DEEP.astype(np.int32) - 9): "grey values outside 0 to 65535",
    }
    (tmp_path / "ppm.png").write_bytes(b"P6 17 12 65535\n" + deep[..., :3].astype(">u2").tobytes())
    cases[tmp_path / "ppm.png"] = "is not an image that can be read"
    for path, message in cases.items():
        with pytest.raises(UsageError, match=message):
            read_image(path)
    floats = (deep[..., :3] / 7).astype(np.float32)
    for pixels, photometric in ((deep[..., :3], 2), (floats, 2), (deep, 1)):
        found = read_image(tiff(tmp_path / "right.tif", pixels, photometric))
        assert found.dtype == pixels.dtype
        assert np.array_equal(found, pixels)


def test_bad_files_are_explained(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 255, (50, 50, 3)).astype(np.uint8)
    whole = pil(tmp_path / "whole.png", noise).read_bytes()
    cases = {
        "missing.png": (None, "no such file"),
        "empty.png": (b"", "is empty"),
        "text.png": (b"not an image at all, sorry", "is not an image"),
        "cut.png": (whole[: len(whole) // 2], "is truncated"),
        "cut.jpg": (pil(tmp_path / "w.jpg", np.tile(COLOUR, (9, 9, 1))).read_bytes()[:900], "damaged or truncated"),
        "damaged.png": (whole[:60] + b"\0" * 40 + whole[100:], "wrong checksum"),
        "n" * 300: (None, "cannot be read"),
    }
    for name, (content, message) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        for read in (read_image, read_mask):
            with pytest.raises(UsageError, match=message) as caught:
                read(tmp_path / name)
            assert str(caught.value).startswith(f"{tmp_path / name}: ")
    with pytest.raises(UsageError, match="is a folder"):
        read_image(tmp_path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Path, mode: str):  # taking the right away would not stop a test that runs as root
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("imexseg.data.read.images.open", refuse, raising=False)
    with pytest.raises(UsageError, match=r"x.png: may not be read; change its permissions"):
        read_image(pil(tmp_path / "x.png", GREY))


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, bytes]:
    """An image of every kind, none of it flat, and the bytes of its file."""
    folder = tmp_path_factory.mktemp("whole")
    pixels = np.random.default_rng(0).integers(0, 256, (24, 40, 3)).astype(np.uint8)
    paths = [pil(folder / f"x{suffix}", pixels) for suffix in sorted(IMAGE_SUFFIXES - {".npy"})]
    np.save(folder / "x.npy", pixels)
    bands = np.concatenate([pixels, pixels[::-1]], axis=2)
    for name, compression in (("bands.tif", None), ("deflated.tif", "zlib")):
        tifffile.imwrite(folder / name, bands, photometric="minisblack", planarconfig="contig", compression=compression)
    paths += [folder / "x.npy", folder / "bands.tif", folder / "deflated.tif"]
    paths.append(pil(folder / "lzw.tif", pixels, compression="tiff_lzw"))
    paths += [folder / "deep.png", folder / "deep.tif"]
    for path in paths[-2:]:
        cv2.imwrite(str(path), pixels.astype(np.uint16) * 257)
    return {path: path.read_bytes() for path in paths}


@given(part=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused_unless_no_pixel_is_missing(part: float, whole_files: dict[Path, bytes]):
    for path, content in whole_files.items():
        path.write_bytes(content)
        complete = read_image(path)
        path.write_bytes(content[: int(part * len(content))])
        found = read_or_message(read_image, path)
        assert found.startswith(f"{path}: is ") if isinstance(found, str) else np.array_equal(found, complete)


@given(seed=st.integers(0, 10**6))
def test_whatever_is_wrong_in_a_file_makes_one_line(seed: int, whole_files: dict[Path, bytes]):
    random = np.random.default_rng(seed)
    for path, content in whole_files.items():
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[random.integers(0, random.choice([60, len(content)]), 3)] = random.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes())
        for found in (read_or_message(read, path) for read in (read_image, read_mask)):
            assert isinstance(found, np.ndarray) or (found.startswith(f"{path}: ") and "\n" not in found)


def test_bad_masks_are_explained(tmp_path: Path):
    with pytest.raises(UsageError, match="one channel of class numbers, but this one is RGB; replace each colour"):
        read_mask(pil(tmp_path / "colour.png", COLOUR))
    with pytest.raises(
        UsageError, match=r"must be 0 to 255, found 260, 517, 774, 1031, 1288, \.\.\. in 203 pixels; write"
    ):
        read_mask(pil(tmp_path / "deep.png", DEEP))
