"""What is wrong with a data set is said before training, with the remedy."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from imexseg.data.checks import scan_split
from imexseg.data.folder import available_splits, list_pairs
from imexseg.data.schema import load_description
from imexseg.errors import UsageError


def put(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three correct pairs of different sizes, two classes."""
    random = np.random.default_rng(0)
    for number, (height, width) in enumerate([(8, 8), (8, 12), (5, 7)]):
        put(tmp_path / f"images/train/{number}.png", random.integers(0, 256, (height, width)).astype(np.uint8))
        mask = random.integers(0, 2, (height, width)).astype(np.uint8)
        mask[0, 0] = 255
        put(tmp_path / f"masks/train/{number}.png", mask)
    describe(tmp_path, names=["background", "thing"])
    return tmp_path


def describe(data: Path, **content) -> None:
    (data / "data.yaml").write_text(yaml.safe_dump(content))


def problems(data: Path) -> str:
    with pytest.raises(UsageError) as caught:
        scan_split(load_description(data), "train")
    return str(caught.value)


def test_facts(data: Path):
    facts = scan_split(load_description(data), "train")
    images = [np.array(Image.open(data / f"images/train/{n}.png")) for n in range(3)]
    masks = [np.array(Image.open(data / f"masks/train/{n}.png")) for n in range(3)]
    pixels = np.concatenate([image.ravel() for image in images]).astype(float)
    assert facts.sizes == [(8, 8), (8, 12), (5, 7)]
    assert facts.class_pixels.tolist() == [sum(int((mask == c).sum()) for mask in masks) for c in (0, 1)]
    assert facts.ignored_pixels == 3
    assert facts.channels == 1
    assert (facts.mean[0], facts.std[0]) == pytest.approx((pixels.mean(), pixels.std()))
    assert available_splits(load_description(data)) == ["train"]


def test_one_colour_image_among_grey_ones_makes_three_channels(data: Path):
    put(data / "images/train/1.png", np.full((8, 12, 3), (200, 0, 0), np.uint8))
    facts = scan_split(load_description(data), "train")
    assert facts.channels == 3
    assert facts.mean[0] > facts.mean[1]
    describe(data, names=["background", "thing"], channels=1)
    assert scan_split(load_description(data), "train").channels == 1


def test_a_constant_image_does_not_divide_by_zero(data: Path):
    for number, size in enumerate([(8, 8), (8, 12), (5, 7)]):
        put(data / f"images/train/{number}.png", np.full(size, 9, np.uint8))
    assert scan_split(load_description(data), "train").std == (1.0,)


def test_every_problem_is_named_with_file_and_remedy(data: Path):
    put(data / "masks/train/0.png", np.full((8, 8), 7, np.uint8))
    put(data / "masks/train/1.png", np.zeros((8, 11), np.uint8))
    (data / "images/train/2.png").write_bytes(b"")
    lines = problems(data).splitlines()
    assert len(lines) == 3
    assert "masks/train/0.png: has the values 7, but 2 names make 0 to 1" in lines[0]
    assert "masks/train/1.png: is 11 x 8 px, its image 1.png 12 x 8 px" in lines[1]
    assert "images/train/2.png: is empty" in lines[2]


def test_many_problems_are_cut_short(data: Path):
    for number in range(30):
        put(data / f"images/train/x{number}.png", np.zeros((4, 4), np.uint8))
        put(data / f"masks/train/x{number}.png", np.full((4, 4), 9, np.uint8))
    lines = problems(data).splitlines()
    assert len(lines) == 11
    assert "20 more" in lines[-1]


def test_masks_of_0_and_255(data: Path):
    for number, size in enumerate([(8, 8), (8, 12), (5, 7)]):
        mask = np.zeros(size, np.uint8)
        mask[2:] = 255
        put(data / f"masks/train/{number}.png", mask)
    assert "write 1 for 'thing'" in problems(data)


def test_masks_that_count_from_one(data: Path):
    mask = np.ones((8, 8), np.uint8)
    mask[2:] = 2
    put(data / "masks/train/0.png", mask)
    assert "class numbers start at 0" in problems(data)


@pytest.mark.parametrize(("value", "message"), [(0, "there is nothing to learn"), (255, "every mask pixel is 255")])
def test_masks_without_anything(data: Path, value: int, message: str):
    for number, size in enumerate([(8, 8), (8, 12), (5, 7)]):
        put(data / f"masks/train/{number}.png", np.full(size, value, np.uint8))
    assert message in problems(data)


def test_mixed_bit_depths(data: Path):
    put(data / "images/train/0.png", np.zeros((8, 8), np.uint16))
    found = problems(data)
    assert "0.png is uint16" in found
    assert "1.png is uint8" in found


def test_partners_are_missed(data: Path):
    (data / "masks/train/0.png").unlink()
    (data / "images/train/1.png").unlink()
    lines = problems(data).splitlines()
    assert "images/train/0.png: no mask" in lines[0]
    assert "masks/train/1.png: no image" in lines[1]


def test_missing_and_empty_folders_and_doubles(data: Path):
    with pytest.raises(UsageError, match="images/val: no such folder"):
        list_pairs(load_description(data), "val")
    (data / "images/val").mkdir()
    (data / "images/val/notes.txt").write_text("not an image")
    with pytest.raises(UsageError, match="images/val: has no"):
        list_pairs(load_description(data), "val")
    put(data / "images/train/0.bmp", np.zeros((8, 8), np.uint8))
    with pytest.raises(UsageError, match="share the name '0'"):
        list_pairs(load_description(data), "train")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nams: [a, b]", "unknown key 'nams'; did you mean 'names'"),
        ("names: [a]", "names: List should have at least 2 items"),
        ("names: [a, b, a]", "a stands there more than once"),
        ("names: [a, b]\npalette: [[0, 0, 0]]", "palette has 1 colours for 2 names"),
        ("names: [a, b]\npalette: [[0, 0, 0], [0, 0, 300]]", "less than or equal to 255"),
        ("names: [a, b]\nchannels: 0", "channels: Input should be greater than or equal to 1, got 0"),
        ("- a\n- b", "expected `key: value` lines, found list"),
        ("names: [a, b", "is not valid YAML"),
        ("names: !!python/object/apply:os.getcwd []", "is not valid YAML"),
    ],
)
def test_bad_descriptions_are_explained(text: str, message: str, tmp_path: Path):
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        load_description(tmp_path)
    assert str(tmp_path / "data.yaml") in str(caught.value)


def test_a_missing_description_is_explained(tmp_path: Path):
    with pytest.raises(UsageError, match="no such folder or file"):
        load_description(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"data.yaml: not found; write one with"):
        load_description(tmp_path)
