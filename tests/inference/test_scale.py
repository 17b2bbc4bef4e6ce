"""Networks know one scale: who gives them an image of quite another size is told so, once."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from imexseg.cli.main import main
from imexseg.inference.open import open_predictor
from imexseg.inference.scale import other_size


@pytest.mark.parametrize(
    ("height", "width", "said"), [(64, 64, None), (100, 50, None), (130, 40, "larger"), (20, 31, "smaller")]
)
def test_sizes_beside_those_of_training(height: int, width: int, said: str | None):
    predictor = open_predictor("qtips")  # trained on 64 x 64 px
    found = other_size(predictor.info, predictor.long_side, height, width)
    assert (found is None) == (said is None)
    assert said is None or f"much {said} than the images of training, 64 x 64 px" in found


def test_weights_that_scale_every_image_say_nothing():
    predictor = open_predictor("people")
    assert other_size(predictor.info, predictor.long_side, 4000, 6000) is None


@pytest.mark.parametrize("size", [None, "large", [64], [64, "64"], [0, 64], {"height": 3}])
def test_metadata_of_strangers_may_say_anything(size: object):
    assert other_size(SimpleNamespace(data={"size": size}), None, 4000, 6000) is None


@pytest.mark.parametrize("flags", [(), ("--tile", "256")])
def test_predict_says_it_once_for_a_folder(tmp_path: Path, capsys, flags: tuple[str, ...]):
    for number, side in enumerate((300, 320, 64)):
        Image.fromarray(np.full((side, side), 100, np.uint8)).save(tmp_path / f"{number}.png")
    assert main(["predict", str(tmp_path), "--weights", "qtips", "--output", str(tmp_path / "out"), *flags]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "than the images of training" in line]
    assert len(said) == 1
    assert "px; these weights know one scale" in said[0]
