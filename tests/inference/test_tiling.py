"""Tiles and test-time augmentation around any predictor."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imexseg.data.description.palette import default_palette
from imexseg.data.read.mask_files import read_mask
from imexseg.data.read.windows import array_source
from imexseg.errors import UsageError
from imexseg.inference.overlap import overlap_for, seen_radius, smallest_tile
from imexseg.inference.predictor import Prediction, Predictor
from imexseg.inference.tiling import TiledPredictor, positions, predict_blocks, ramps
from imexseg.inference.tta import AugmentedPredictor
from imexseg.inference.write_mask import write_mask
from imexseg.models.info import ModelInfo
from imexseg.models.network import SegmentationNetwork
from imexseg.models.registry import network_config

lengths = st.integers(1, 3000)


@given(length=lengths, tile=st.integers(64, 900), share=st.floats(0, 0.5), radius=st.integers(0, 500))
def test_tiles_cover_a_side_and_their_weights_add_up_to_one(length: int, tile: int, share: float, radius: int):
    overlap = int(share * tile)
    starts = positions(length, tile, overlap)
    total = np.zeros(length)
    for start, weight in zip(starts, ramps(starts, length, tile, radius), strict=True):
        assert weight.shape == (min(tile, length - start),)
        assert start % 32 == 0
        assert len(weight) > tile - 32 or length <= tile
        assert weight.min() >= 0
        total[start : start + len(weight)] += weight
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert all(later - start <= max(32, tile - overlap) for start, later in itertools.pairwise(starts))


class Brightness:
    """Says of every pixel how bright it is; no context, so that tiles must give exactly what the whole gives."""

    gives_probabilities = True
    info = SimpleNamespace(
        data={}, training={"augmentation": "symmetries"}, in_channels=1, full_scale=255.0, pixel_range=None
    )
    parameters, seen_radius, long_side = 0, 0, None

    def __init__(self) -> None:
        self.largest = (0, 0)

    def predict(self, image: np.ndarray, name: str | Path = "image") -> Prediction:
        self.largest = max(self.largest, image.shape[:2])
        light = image[..., 0].astype(np.float32) / 255
        probabilities = np.stack([1 - light, light])
        return Prediction(probabilities.argmax(0).astype(np.uint8), probabilities)

    segment = predict

    def predict_batch(self, images: list[np.ndarray], name: str | Path = "image") -> list[Prediction]:
        return [self.predict(image, name) for image in images]


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    tile=st.integers(64, 128),
    share=st.floats(0, 0.5),
    radius=st.integers(0, 40),
)
def test_blocks_put_the_image_together(height: int, width: int, tile: int, share: float, radius: int):
    image = np.random.default_rng(height * width).integers(0, 256, (height, width, 1)).astype(np.uint8)
    predictor, found, seen = Brightness(), np.zeros((2, height, width), np.float32), np.zeros((height, width), int)
    last = (0, -1)
    for block in predict_blocks(predictor, array_source(image), tile, int(share * tile), radius):
        assert (block.row, block.column) > last
        last = (block.row, block.column)
        _, h, w = block.probabilities.shape
        area = (slice(block.row, block.row + h), slice(block.column, block.column + w))
        found[:, area[0], area[1]] = block.probabilities
        seen[area] += 1
    assert (seen == 1).all()
    assert predictor.largest <= (tile, tile)
    np.testing.assert_allclose(found, predictor.predict(image).probabilities, atol=1e-6)


def network(model: str, **settings: object) -> Predictor:
    torch.manual_seed(0)
    config = network_config(model, num_classes=3, width=8, mean=(128.0,), std=(60.0,), **settings)
    built = SegmentationNetwork(config)
    built.info = ModelInfo(
        model=model,
        network=config,
        names=["a", "b", "c"],
        palette=default_palette(3),
        full_scale=255,
        data={},
        metrics={},
        training={"augmentation": "none"},
        version="test",
    )
    return Predictor(built)


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    import cv2

    noise = np.random.default_rng(0).integers(0, 256, (330, 250, 1)).astype(np.uint8)
    return np.atleast_3d(cv2.GaussianBlur(noise, (0, 0), 2))


def test_tiles_of_a_local_network_give_what_the_whole_gives(photograph: np.ndarray):
    predictor = network("residual-lean", n_steps=2)
    radius = seen_radius(predictor)
    tiled = TiledPredictor(predictor, smallest_tile(radius) // 2 * 2)
    assert tiled.enough
    assert tiled.tile < min(photograph.shape[:2])
    whole, parts = predictor.predict(photograph), tiled.predict(photograph)
    inner = (slice(None), slice(radius, -radius), slice(radius, -radius))  # at the border the whole sees its far side
    np.testing.assert_allclose(parts.probabilities[inner], whole.probabilities[inner], atol=1e-5)
    np.testing.assert_allclose(parts.probabilities.sum(0), 1, atol=1e-5)


def test_tiles_of_a_network_with_a_global_view_differ_little(photograph: np.ndarray):
    predictor = network("imex-lean", n_steps=2, longest=4.0)
    tiled = TiledPredictor(predictor, 192)
    found = tiled.disagreement(array_source(photograph))
    assert found is not None
    assert found.is_whole
    assert found.probability < 0.05
    assert found.pixels < 0.02
    assert TiledPredictor(predictor, 400).disagreement(array_source(photograph)) is None
    long = seen_radius(network("imex-lean", longest=24.0))
    assert seen_radius(predictor) < long
    assert overlap_for(long, smallest_tile(long))[1]
    assert overlap_for(long, 128) == (64, False)
    with pytest.raises(UsageError, match="--tile 32: is too small"):
        TiledPredictor(predictor, 32)


def test_augmented_predictions_do_not_depend_on_which_way_the_image_is_turned(photograph: np.ndarray):
    predictor = AugmentedPredictor(network("imex-lean", n_steps=1))
    image = photograph[:96, :120]
    seen, mirrored = predictor.predict(image), predictor.predict(np.ascontiguousarray(image[:, ::-1]))
    np.testing.assert_allclose(seen.probabilities, mirrored.probabilities[:, :, ::-1], atol=1e-5)
    np.testing.assert_allclose(seen.probabilities.sum(0), 1, atol=1e-5)
    assert seen.classes.shape == (96, 120)
    many = np.repeat(image, 6, axis=2)
    np.testing.assert_allclose(AugmentedPredictor(Brightness()).segment(many).probabilities.sum(0), 1, atol=1e-5)
    plain = AugmentedPredictor(Brightness(), scales=(1.0,))
    np.testing.assert_allclose(plain.predict(image).probabilities, Brightness().predict(image).probabilities, atol=1e-6)
    assert len(plain.flips) == 4
    assert len(predictor.flips) == 2


@given(
    height=st.integers(1, 700),
    width=st.integers(1, 600),
    rows=st.integers(1, 400),
    suffix=st.sampled_from([".png", ".tif"]),
)
def test_masks_written_by_strips_are_read_back(height: int, width: int, rows: int, suffix: str, tmp_path_factory):
    mask = np.random.default_rng(height).integers(0, 5, (height, width)).astype(np.uint8)
    path = tmp_path_factory.mktemp("m") / f"m{suffix}"
    strips = (mask[top : top + rows] for top in range(0, height, rows))
    write_mask(strips, height, width, **{"png" if suffix == ".png" else "tiff": path})
    assert np.array_equal(tifffile.imread(path) if suffix == ".tif" else read_mask(path), mask)


def test_predict_with_tiles(
    trained_run: Path, qtips_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
):
    from imexseg.cli.main import main

    image = np.random.default_rng(0).integers(0, 256, (90, 70)).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "x.png")
    tifffile.imwrite(tmp_path / "y.tif", image, tile=(32, 32), compression="zlib")
    monkeypatch.setattr("imexseg.data.read.windows.IN_MEMORY", 100)
    command = ["predict", *map(str, (tmp_path / "x.png", tmp_path / "y.tif")), "--weights", str(trained_run)]
    assert main([*command, "--output", str(tmp_path / "out"), "--tile", "64"]) == 0
    err = capsys.readouterr().err
    assert "tiles against the image at once: " in err
    assert "tiles of 64 px overlap by 32 px; one pixel sees" in err
    masks = [read_mask(tmp_path / f"out/{stem}_mask.png") for stem in "xy"]
    assert masks[0].shape == (90, 70)
    assert np.array_equal(*masks)
    assert np.array(Image.open(tmp_path / "out/x_overlay.png")).shape == (90, 70, 3)
    monkeypatch.setattr("imexseg.inference.write_mask.TIFF_FROM", 1000)
    monkeypatch.setattr("imexseg.inference.tiled.PICTURE", 70)
    alone = [*command[:2], *command[3:]]
    assert main([*alone, "--output", str(tmp_path / "big"), "--tile", "64"]) == 0
    assert np.array_equal(tifffile.imread(tmp_path / "big/x_mask.tif"), masks[0])
    assert np.array(Image.open(tmp_path / "big/x_overlay.png")).shape == (45, 35, 3)
    assert main([*alone, "--output", str(tmp_path / "tta"), "--tta"]) == 0
    assert read_mask(tmp_path / "tta/x_mask.png").shape == (90, 70)
    assert main(["evaluate", str(trained_run), str(qtips_folder), "--tta", "--tile", "64"]) == 0
    assert main([*command, "--tile", "64", "--probabilities"]) == 2
    assert "does not go with --tile" in capsys.readouterr().err
    (tmp_path / "y.tif").write_bytes((tmp_path / "y.tif").read_bytes()[:-900])
    assert main([*command, "--output", str(tmp_path / "cut"), "--tile", "64"]) == 1
    assert "y.tif: " in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == ["x_mask.tif", "x_overlay.png"]
