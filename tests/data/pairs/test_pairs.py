"""Which image belongs to which mask, and what is said of files without a partner."""

from pathlib import Path

import pytest

from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.pairs.pairs import Pair, available_splits, list_pairs
from imexseg.errors import UsageError


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.fixture
def data(tmp_path: Path) -> DataDescription:
    touch(tmp_path / "images/train", "b.png", "a.JPG", "c.v2.tif")
    touch(tmp_path / "masks/train", "c.v2.png", "a.png", "b.PNG")
    return DataDescription(root=tmp_path, names=["background", "thing"], channels=None)


def problems(data: DataDescription) -> str:
    with pytest.raises(UsageError) as caught:
        list_pairs(data, "train")
    return str(caught.value)


def test_pairs_share_a_stem_and_come_in_its_order(data: DataDescription):
    images, masks = data.root / "images/train", data.root / "masks/train"
    assert list_pairs(data, "train") == [
        Pair(images / "a.JPG", masks / "a.png"),
        Pair(images / "b.png", masks / "b.PNG"),
        Pair(images / "c.v2.tif", masks / "c.v2.png"),
    ]


def test_hidden_files_and_those_of_other_kinds_are_passed_over(data: DataDescription):
    expected = list_pairs(data, "train")
    touch(data.root / "images/train", ".hidden.png", "notes.txt", "Thumbs.db", "no suffix")
    touch(data.root / "masks/train", "._a.png", "colours.json")
    assert list_pairs(data, "train") == expected


def test_available_splits_are_those_with_images(data: DataDescription):
    touch(data.root / "images/test")
    touch(data.root / "masks/val")
    assert available_splits(data) == ["train", "test"]


def test_both_kinds_of_missing_partner_are_named_with_the_remedy(data: DataDescription):
    (data.root / "masks/train/a.png").unlink()
    (data.root / "images/train/b.png").unlink()
    image, mask = problems(data).splitlines()
    assert image.startswith(f"{data.root}/images/train/a.JPG: no mask {data.root}/masks/train/<same name>.png; add it")
    assert mask.startswith(f"{data.root}/masks/train/b.PNG: no image {data.root}/images/train/<same name>.*; add it")


def test_five_files_are_named_and_the_others_counted(data: DataDescription):
    touch(data.root / "images/train", *(f"x{number}.png" for number in range(9)))
    found = problems(data)
    assert all(f"x{number}.png" in found for number in range(5))
    assert "x5.png and" not in found
    assert "x4.png and 4 more: no mask" in found


def test_two_images_with_one_stem(data: DataDescription):
    touch(data.root / "images/train", "b.bmp")
    assert "b.bmp, " in problems(data)
    assert "share the name 'b', so it is unclear which mask belongs to which image; rename one" in problems(data)


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_missing_and_empty_folders(kind: str, data: DataDescription):
    folder = data.root / kind / "train"
    for path in folder.iterdir():
        path.unlink()
    assert f"{folder}: has no " in problems(data)
    folder.rmdir()
    assert f"{folder}: no such folder; the split 'train' needs images/train and masks/train" in problems(data)


def test_a_folder_that_may_not_be_read(data: DataDescription, monkeypatch: pytest.MonkeyPatch):
    def refuse(folder):  # taking the right away would not stop a test that runs as root
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("os.scandir", refuse)
    assert "images/train: cannot be read (Permission denied); change its permissions" in problems(data)
