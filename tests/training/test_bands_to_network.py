"""From five bands of 16 bits to a network of five channels: crops, augmentation, statistics, a batch."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from imexseg.errors import UsageError
from imexseg.training.config import dump, resolve
from imexseg.training.data_module import SegmentationData
from imexseg.training.fit import look_at_data
from imexseg.training.multilevel import levels


def test_five_bands_of_sixteen_bits_reach_the_network(tmp_path: Path):
    random = np.random.default_rng(0)
    images = [random.integers(0, 4000 * (n + 1), (40, 50, 5)).astype(np.uint16) for n in range(4)]
    for number, pixels in enumerate(images):
        split = "train" if number < 3 else "val"
        for kind in ("images", "masks"):
            (tmp_path / kind / split).mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(
            tmp_path / f"images/{split}/{number}.tif", pixels, photometric="minisblack", planarconfig="contig"
        )
        mask = random.integers(0, 2, (40, 50)).astype(np.uint8)
        Image.fromarray(mask).save(tmp_path / f"masks/{split}/{number}.png")
    (tmp_path / "data.yaml").write_text("names: [a, b]\nbit_depth: 16\n")
    steps = tmp_path / "steps.yaml"
    steps.write_text("- HorizontalFlip: {p: 0.5}\n- RandomBrightnessContrast: {p: 1}\n")
    config = resolve(None, {"data": tmp_path, "crop": (16, 24), "augmentation": str(steps), "batch_size": 2})
    steps.unlink()
    (tmp_path / "config.yaml").write_text(dump(config))
    assert resolve(tmp_path / "config.yaml", {}) == config  # the steps are in it
    found = look_at_data(tmp_path)
    pixels = np.concatenate([image.reshape(-1, 5) for image in images[:3]]).astype(float)
    ((_, network, _),) = levels(config, tmp_path, found)
    assert network.config.in_channels == 5
    assert network.config.mean == pytest.approx(pixels.mean(0).tolist())
    assert network.config.std == pytest.approx(pixels.std(0).tolist())
    batch, masks = next(iter(SegmentationData(config, found.train, found.val).train_dataloader()))
    assert batch.shape == (2, 5, 16, 24)
    assert masks.shape == (2, 16, 24)
    assert 1000 < float(batch.max()) <= 65535  # raw values, not 0 to 1
    with torch.inference_mode():
        assert network.eval()(batch).shape == (2, 2, 16, 24)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"augmentation": "lite"}, "unknown augmentation 'lite'; did you mean 'light'"),
        ({"augmentation": "nowhere.yaml"}, "nowhere.yaml: cannot be read"),
        ({"augmentation": [{"Lambda": {}}]}, "unknown step 'Lambda'"),
        ({"crop": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_cannot_be_are_explained(setting: dict, message: str):
    with pytest.raises(UsageError, match=message):
        resolve(None, setting)
