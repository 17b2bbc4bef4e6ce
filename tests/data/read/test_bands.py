"""Images of any number of bands: nothing is dropped or cast, or it is said why not."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from imexseg.data.read.images import read_image
from imexseg.data.read.mask_files import read_mask
from imexseg.data.read.windows import open_image
from imexseg.errors import UsageError

KINDS = ["uint8", "uint16", "float32"]


def bands(n: int, kind: str, size: tuple[int, int] = (20, 31)) -> np.ndarray:
    values = np.random.default_rng(n).random((*size, n))
    return (values if kind == "float32" else values * np.iinfo(kind).max).astype(kind)


@given(
    n=st.integers(1, 7),
    kind=st.sampled_from(KINDS),
    planar=st.sampled_from(["contig", "separate"]),
    compression=st.sampled_from([None, "zlib"]),
)
def test_tags_say_where_the_bands_are(n: int, kind: str, planar: str, compression: str | None, tmp_path_factory):
    path, pixels = tmp_path_factory.mktemp("x") / "x.tif", bands(n, kind)
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
    if n == 1:
        stored, planar = pixels[..., 0], "contig"
    more = {"extrasamples": [0] * (n - 1)} if n > 1 else {}
    tifffile.imwrite(path, stored, photometric="minisblack", planarconfig=planar, compression=compression, **more)
    found = read_image(path)
    assert found.dtype == kind
    assert np.array_equal(found, pixels)


@pytest.mark.parametrize("kind", KINDS)
def test_without_tags_the_shorter_of_first_and_last_axis_is_bands(kind: str, tmp_path: Path):
    pixels = bands(5, kind)
    for stored in (pixels, np.moveaxis(pixels, -1, 0)):
        tifffile.imwrite(tmp_path / "x.tif", stored, photometric="minisblack")
        np.save(tmp_path / "x.npy", stored)
        assert np.array_equal(read_image(tmp_path / "x.tif"), pixels)
        assert np.array_equal(read_image(tmp_path / "x.npy"), pixels)
    np.save(tmp_path / "x.npy", np.zeros((4, 9, 4), np.uint8))
    with pytest.raises(UsageError, match="height or bands may come first"):
        read_image(tmp_path / "x.npy")


def test_alpha_is_dropped_and_infrared_kept(tmp_path: Path):
    pixels = np.maximum(bands(4, "uint8"), 1)  # nowhere transparent
    for extra, expected in ((2, pixels[..., :3]), (0, pixels)):
        tifffile.imwrite(tmp_path / "x.tif", pixels, photometric="rgb", extrasamples=[extra])
        assert np.array_equal(read_image(tmp_path / "x.tif"), expected)


def test_what_is_not_read_is_said(tmp_path: Path):
    def written(name: str, write) -> Path:
        write(tmp_path / name)
        return tmp_path / name

    wrong = bands(5, "float32")
    wrong[0, 0, 0] = np.nan
    cases = {
        written("d.npy", lambda p: np.save(p, np.zeros((4, 5)))): "is of float64, which would have to be cast",
        written(
            "i.tif", lambda p: tifffile.imwrite(p, np.zeros((9, 5, 3), np.int16), photometric="rgb")
        ): "is of int16, which would",
        written("o.npy", lambda p: np.save(p, np.array([{}]), allow_pickle=True)): "is damaged or truncated",
        written("z.npy", lambda p: np.save(p, np.zeros((0, 5), np.uint8))): "has no pixels",
        written("t.npy", lambda p: p.write_bytes(b"\x93NUMPY\x01\x00")): "is damaged or truncated",
    }
    for path, message in cases.items():
        with pytest.raises(UsageError, match=message) as caught:
            read_image(path)
        assert str(caught.value).startswith(f"{path}: ")


def test_a_compression_that_needs_another_package_is_named(tmp_path: Path):
    tifffile.imwrite(tmp_path / "x.tif", bands(5, "uint16"), photometric="minisblack", planarconfig="contig")
    with tifffile.TiffFile(tmp_path / "x.tif", mode="r+b") as tiff:
        tiff.pages.first.tags[259].overwrite(34712)  # JPEG 2000
    with pytest.raises(
        UsageError, match=r"x.tif: is (compressed with JPEG2000, which needs the package imagecodecs|damaged)"
    ):
        read_image(tmp_path / "x.tif")


def test_masks_as_jpeg_are_refused(tmp_path: Path):
    from PIL import Image

    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "m.jpg")
    with pytest.raises(UsageError, match="JPEG changes values"):
        read_mask(tmp_path / "m.jpg")


@pytest.mark.parametrize("kind", ["tiles", "strips", "planes", "plain", "npy", "png", "rgb"])
def test_pieces_of_a_file_are_those_of_the_whole(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import cv2

    monkeypatch.setattr("imexseg.data.read.windows.IN_MEMORY", 100)
    monkeypatch.setattr("imexseg.data.read.segments.CACHED_BYTES", 20_000)  # so that pieces are thrown away
    pixels = bands(
        3 if kind == "rgb" else 1 if kind == "png" else 4, "uint8" if kind in ("png", "rgb") else "uint16", (150, 130)
    )
    path = tmp_path / ("x.npy" if kind == "npy" else "x.png" if kind in ("png", "rgb") else "x.tif")
    options: dict = {"photometric": "minisblack", "extrasamples": [0, 0, 0], "planarconfig": "contig"}
    if kind == "npy":
        np.save(path, pixels)
    elif kind in ("png", "rgb"):
        cv2.imwrite(str(path), pixels[..., ::-1])
    elif kind == "tiles":
        tifffile.imwrite(path, pixels, tile=(32, 48), compression="zlib", **options)
    elif kind == "strips":
        tifffile.imwrite(path, pixels, rowsperstrip=7, compression="zlib", predictor=True, **options)
    elif kind == "planes":
        options["planarconfig"] = "separate"
        tifffile.imwrite(path, np.moveaxis(pixels, -1, 0), rowsperstrip=9, compression="zlib", **options)
    else:
        tifffile.imwrite(path, pixels, **options)
    source = open_image(path)
    assert source.shape == pixels.shape
    assert source.dtype == pixels.dtype
    for rows, columns in (
        (slice(0, 150), slice(0, 130)),
        (slice(31, 97), slice(47, 96)),
        (slice(149, 150), slice(0, 1)),
    ):
        assert np.array_equal(source.read(rows, columns), pixels[rows, columns])


@pytest.mark.parametrize("pieces", [{"tile": (32, 48)}, {"rowsperstrip": 9}], ids=["tiles", "strips"])
def test_deep_colour_stored_plane_by_plane_is_read_as_it_is(tmp_path: Path, pieces: dict):
    pixels = bands(3, "uint16")
    path = tmp_path / "planes.tif"
    tifffile.imwrite(path, np.moveaxis(pixels, -1, 0), photometric="rgb", planarconfig="separate", **pieces)
    assert np.array_equal(read_image(path), pixels)
