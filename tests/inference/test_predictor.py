"""A predictor gives every image the answer it would have alone, whatever its form."""

from pathlib import Path

import numpy as np
import pytest
import torch

import imexseg
from imexseg.data.read.images import read_image
from imexseg.errors import JobError, UsageError
from imexseg.evaluation.evaluate import evaluate
from imexseg.inference.predictor import Predictor


@pytest.fixture(scope="module")
def predictor(trained_run: Path) -> Predictor:
    return Predictor(imexseg.load(trained_run / "best.safetensors"))


@pytest.fixture(scope="module")
def image(qtips_folder: Path) -> np.ndarray:
    return read_image(qtips_folder / "images/test/000001.png")


def test_a_batch_gives_what_single_images_give(predictor: Predictor, image: np.ndarray):
    images = [image, image[::-1].copy(), image.transpose(1, 0, 2).copy()]
    together = predictor.predict_batch(images)
    for alone, batched in zip((predictor.predict(one) for one in images), together, strict=True):
        np.testing.assert_allclose(alone.probabilities, batched.probabilities, atol=1e-5)
        assert alone.classes.dtype == np.uint8
        assert alone.classes.shape == image.shape[:2]


def test_bit_depth_and_colour_do_not_change_the_answer(predictor: Predictor, image: np.ndarray):
    expected = predictor.predict(image).probabilities
    for same in (image.astype(np.uint16) * 257, image.astype(np.float32) / 255, np.repeat(image, 3, axis=2)):
        np.testing.assert_allclose(predictor.predict(same).probabilities, expected, atol=1e-4)


def test_channels_that_cannot_be_converted_are_refused(predictor: Predictor):
    with pytest.raises(UsageError, match=r"scan.tif: has 5 channels, but the network takes 1"):
        predictor.predict(np.zeros((8, 8, 5), np.uint8), "scan.tif")


def test_too_little_memory_is_said_in_words(predictor: Predictor, image: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    def out_of_memory(_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(predictor.network, "forward", out_of_memory)
    with pytest.raises(JobError, match="32 x 32 px do not fit in memory"):
        predictor.predict(image)


def test_evaluating_mixed_sizes_counts_each_image_by_itself(predictor: Predictor, qtips_folder: Path, tmp_path: Path):
    import shutil

    import cv2

    from imexseg.data.description.data_yaml import load_description

    data = tmp_path / "data"
    shutil.copytree(qtips_folder, data)
    for kind in ("images", "masks"):
        path = str(data / kind / "val/000002.png")
        cv2.imwrite(path, cv2.imread(path, cv2.IMREAD_UNCHANGED)[:20])
    evaluation = evaluate(predictor, load_description(data), "val")
    assert [int(matrix.sum()) for matrix in evaluation.confusions] == [1024, 1024, 640, 1024, 1024]
    assert evaluation.scores.confusion.sum() == 4 * 1024 + 640
