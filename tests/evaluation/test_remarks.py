"""What a person should know of masks and images is said by evaluate as check says it."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image

from imexseg.data.description.data_yaml import load_description
from imexseg.errors import UsageError
from imexseg.evaluation.evaluate import Evaluation, evaluate

SKY, ROAD = [0, 0, 200], [90, 90, 90]


class AllSky:
    """A predictor that sees class 0 everywhere."""

    info = SimpleNamespace(names=["sky", "road"])

    def predict_batch(self, images: list[np.ndarray], path: Path):
        return [SimpleNamespace(classes=np.zeros(image.shape[:2], np.uint8)) for image in images]


def indexed(colours: list[list[int]]) -> Image.Image:
    """Left half index 0, right half index 1."""
    mask = Image.fromarray(np.repeat([[0, 0, 1, 1]], 4, axis=0).astype(np.uint8), "P")
    mask.putpalette([value for colour in colours for value in colour])
    return mask


def evaluated(root: Path, masks: list[Image.Image], image: np.ndarray) -> Evaluation:
    for kind in ("images", "masks"):
        (root / kind / "val").mkdir(parents=True)
    for number, mask in enumerate(masks):
        Image.fromarray(image).save(root / f"images/val/{number}.png")
        mask.save(root / f"masks/val/{number}.png")
    (root / "data.yaml").write_text(yaml.safe_dump({"names": ["sky", "road"], "palette": [SKY, ROAD]}))
    return evaluate(AllSky(), load_description(root))  # type: ignore[arg-type]


def test_pixels_without_a_value_do_not_count_and_are_said(tmp_path: Path):
    image = np.full((4, 4, 4), 255, np.uint8)
    image[:, 3, 3] = 0  # a transparent column of the road
    found = evaluated(tmp_path, [indexed([SKY, ROAD])], image)
    assert found.scores.confusion.tolist() == [[8, 0], [4, 0]]
    (line,) = [line for line in found.remarks if "images/val/0.png" in line]
    assert "4 of 16 pixels" in line


def test_a_mask_whose_numbers_and_colours_differ_is_read_by_colours_and_that_is_said(tmp_path: Path):
    found = evaluated(tmp_path, [indexed([ROAD, SKY])] * 2, np.zeros((4, 4), np.uint8))
    assert found.scores.confusion.tolist() == [[16, 0], [16, 0]]
    assert any("masks/val/0.png" in line and "colours" in line for line in found.remarks)


def test_masks_of_two_meanings_are_refused(tmp_path: Path):
    grey = Image.fromarray(np.array([[0, 1]] * 4, np.uint8).repeat(2, axis=1))  # can only be numbers
    with pytest.raises(UsageError, match=r"0\.png: can be read by its colours or by its numbers.*masks_hold"):
        evaluated(tmp_path, [indexed([ROAD, SKY]), grey], np.zeros((4, 4), np.uint8))
