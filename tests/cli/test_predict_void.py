"""Pixels that mean nothing in predicted masks, and where on Earth a mask lies: read back by tifffile and Pillow."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from imexseg.cli import main as command_line

SCALE, TIEPOINT = (2.0, 2.0, 0.0), (0.0, 0.0, 0.0, 500000.0, 4100000.0, 0.0)
KEYS = (1, 1, 0, 1, 3072, 0, 1, 32633)
NODATA = 7


def georeferenced(path: Path) -> np.ndarray:
    """A grey GeoTIFF of which the left columns hold nothing. Returns: where."""
    pixels = np.random.default_rng(0).integers(20, 250, (64, 96), dtype=np.uint8)
    pixels[:, :10] = NODATA
    tags = [
        (33550, "d", 3, SCALE, True),
        (33922, "d", 6, TIEPOINT, True),
        (34735, "H", 8, KEYS, True),
        (42113, "s", 0, str(NODATA), True),
    ]
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None, extratags=tags)
    return pixels == NODATA


@pytest.mark.parametrize("tile", [[], ["--tile", "64"]], ids=["whole", "tiled"])
def test_a_geotiff_gets_a_mask_in_its_place(tile: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    void = georeferenced(tmp_path / "scene.tif")
    assert command_line.main(["predict", str(tmp_path / "scene.tif"), "--output", str(tmp_path / "o"), *tile]) == 0
    with tifffile.TiffFile(tmp_path / "o/scene_mask.tif") as mask:
        page = mask.pages.first
        classes = page.asarray()
        found = {code: page.tags.valueof(code) for code in (33550, 33922, 34735, 42113)}
    assert [tuple(found[code]) for code in (33550, 33922, 34735)] == [SCALE, TIEPOINT, KEYS]
    assert found[42113].strip("\0 ") == "255"
    assert ((classes == 255) == void).all()
    assert (classes[~void] < 4).all()
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "o/scene_mask.png")), classes)
    assert f"{int(void.sum())} pixels without a value" in capsys.readouterr().err


def test_transparent_pixels_are_ignored_and_do_not_change_the_others(tmp_path: Path):
    grey = np.random.default_rng(1).integers(20, 250, (32, 48), dtype=np.uint8)
    alpha = np.full_like(grey, 255)
    alpha[5:9, 7:20] = 0
    masks = []
    for number, beneath in enumerate((0, 255)):  # what lies beneath must not matter
        hidden = np.where(alpha == 0, beneath, grey).astype(np.uint8)
        Image.fromarray(np.dstack([hidden, alpha]), "LA").save(tmp_path / f"{number}.png")
        assert command_line.main(["predict", str(tmp_path / f"{number}.png"), "--output", str(tmp_path / "o")]) == 0
        masks.append(np.asarray(Image.open(tmp_path / f"o/{number}_mask.png")))
    np.testing.assert_array_equal(masks[0], masks[1])
    assert ((masks[0] == 255) == (alpha == 0)).all()
