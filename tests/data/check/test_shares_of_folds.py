"""Shares of all images: each is validated on once, by a network that has not seen it or its double."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from imexseg.data.check.folds import make_folds
from imexseg.data.check.report import check_dataset
from imexseg.data.check.scan import scan_split
from imexseg.data.description.data_yaml import load_description
from imexseg.errors import UsageError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine training and four validation images; two are equal; a class that is in three images only."""
    root = tmp_path_factory.mktemp("folds")
    images = np.random.default_rng(3).integers(0, 255, (13, 16, 20, 3)).astype(np.uint8)
    images[12] = images[0]
    for number, image in enumerate(images):
        split = "train" if number < 9 else "val"
        mask = np.zeros((16, 20), np.uint8)
        mask[:, 8:] = 1
        if number in (1, 2, 3):
            mask[:4] = 2
        for kind, pixels in (("images", image), ("masks", mask)):
            path = root / kind / split / f"{number:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    (root / "data.yaml").write_text(yaml.safe_dump({"names": ["a", "b", "rare"]}))
    return root


def folds(data: Path, k: int, seed: int = 0):
    description = load_description(data)
    return make_folds(description, scan_split(description, "train"), scan_split(description, "val"), k, seed)


@pytest.mark.parametrize("k", [2, 3, 5, 12])
def test_every_image_is_validated_on_once_and_never_trained_on_there(data: Path, k: int):
    found = folds(data, k)
    assert len(found) == k
    validated = [pair.image.name for fold in found for pair in fold.val.pairs]
    assert sorted(validated) == [f"{number:02}.png" for number in range(13)]
    for fold in found:
        both = {pair.image.name for pair in fold.train.pairs} & {pair.image.name for pair in fold.val.pairs}
        assert not both
        assert len(fold.train.pairs) + len(fold.val.pairs) == 13
        assert not set(fold.train.digests) & set(fold.val.digests)  # nor an image with equal pixels
    sizes = [len(fold.val.pairs) for fold in found]
    assert max(sizes) - min(sizes) <= 2  # the pair of equal images stays together


def test_a_rare_class_is_in_every_fold_that_it_can_be_in(data: Path):
    assert [int(fold.val.class_images[2]) for fold in folds(data, 3)] == [1, 1, 1]


def test_facts_of_a_fold_are_those_of_its_files(data: Path):
    description = load_description(data)
    report = check_dataset(description, ("train", "val"))
    whole = report.splits["train"].class_pixels + report.splits["val"].class_pixels
    for fold in folds(data, 4):
        np.testing.assert_array_equal(fold.train.class_pixels + fold.val.class_pixels, whole)
        pixels = np.concatenate([np.asarray(Image.open(pair.image)).reshape(-1, 3) for pair in fold.train.pairs])
        np.testing.assert_allclose(fold.train.mean, pixels.mean(0), rtol=1e-6)


def test_shares_repeat_with_the_seed(data: Path):
    def names(seed: int) -> list[list[str]]:
        return [[pair.image.name for pair in fold.val.pairs] for fold in folds(data, 3, seed)]

    assert names(1) == names(1)
    assert names(1) != names(2)


@pytest.mark.parametrize(("k", "reason"), [(14, "only 13 images"), (13, "only 12 of the images differ")])
def test_too_many_folds_are_refused(data: Path, k: int, reason: str):
    with pytest.raises(UsageError, match=reason):
        folds(data, k)
