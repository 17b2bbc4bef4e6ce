"""What is wrong with a data set is said before training, with the remedy."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imexseg.data.check.scan import scan_split
from imexseg.data.description.data_yaml import load_description
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


def test_one_colour_image_among_grey_ones_makes_three_channels(data: Path):
    put(data / "images/train/1.png", np.full((8, 12, 3), (200, 0, 0), np.uint8))
    facts = scan_split(load_description(data), "train")
    grey = sum(float(np.sum(np.array(Image.open(data / f"images/train/{n}.png")), dtype=float)) for n in (0, 2))
    n_pixels = 8 * 8 + 8 * 12 + 5 * 7
    assert facts.channels == 3
    assert facts.mean == pytest.approx(((grey + 200 * 8 * 12) / n_pixels, grey / n_pixels, grey / n_pixels))
    describe(data, names=["background", "thing"], channels=1)
    assert scan_split(load_description(data), "train").channels == 1


def test_a_constant_image_does_not_divide_by_zero(data: Path):
    for number, size in enumerate([(8, 8), (8, 12), (5, 7)]):
        put(data / f"images/train/{number}.png", np.full(size, 9, np.uint8))
    assert scan_split(load_description(data), "train").std == (1.0,)


@given(seed=st.integers(0, 999), kind=st.sampled_from(["uint8", "uint16", "float32"]), offset=st.floats(-1, 1))
def test_mean_and_deviation_are_those_of_all_pixels(seed: int, kind: str, offset: float, tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(seed)
    images = [random.random((random.integers(1, 9), random.integers(1, 9))) for _ in range(3)]
    if kind == "float32":
        images = [(offset + 1e-4 * image).astype(kind) for image in images]
    else:
        images = [(np.iinfo(kind).max - 9 * image).astype(kind) for image in images]
    for number, image in enumerate(images):
        put(data / f"images/val/{number}.tif", image)
        put(data / f"masks/val/{number}.png", np.zeros(image.shape, np.uint8))
    describe(data, names=["background", "thing"])
    facts = scan_split(load_description(data), "val")
    pixels = np.concatenate([image.ravel() for image in images]).astype(float)
    assert facts.dtype == kind
    assert facts.mean[0] == pytest.approx(pixels.mean())
    assert facts.std[0] == pytest.approx(pixels.std() or 1.0, rel=1e-4)


def test_small_numbers_are_not_taken_for_constant(data: Path):
    for number, size in enumerate([(8, 8), (8, 12), (5, 7)]):
        (data / f"images/train/{number}.png").unlink()
        put(
            data / f"images/train/{number}.tif", np.linspace(0, 1e-8, size[0] * size[1], dtype=np.float32).reshape(size)
        )
    assert 0 < scan_split(load_description(data), "train").std[0] < 1e-8


def test_progress_counts_the_pairs(data: Path):
    calls: list[tuple[int, int]] = []
    scan_split(load_description(data), "train", lambda n_done, n_total: calls.append((n_done, n_total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_every_problem_is_named_with_file_and_remedy(data: Path):
    put(data / "masks/train/0.png", np.full((8, 8), 7, np.uint8))
    put(data / "masks/train/1.png", np.zeros((8, 11), np.uint8))
    (data / "images/train/2.png").write_bytes(b"")
    lines = problems(data).splitlines()
    assert len(lines) == 3
    assert "masks/train/0.png: has the values 7, but 2 names allow 0 to 1" in lines[0]
    assert "masks/train/1.png: is 11 x 8 px, its image 1.png 12 x 8 px" in lines[1]
    assert "images/train/2.png: is empty" in lines[2]


def test_what_is_said_of_all_masks_waits_for_all_masks(data: Path):
    for number, size in enumerate([(8, 8), (8, 12), (5, 7)]):
        put(data / f"masks/train/{number}.png", np.zeros(size, np.uint8))
    put(data / "masks/train/1.png", np.full((8, 12, 3), (1, 1, 0), np.uint8))
    lines = problems(data).splitlines()
    assert len(lines) == 1
    assert "masks/train/1.png: a mask must have one channel of class numbers, but this one is RGB" in lines[0]


def test_channels_that_the_images_do_not_have(data: Path):
    describe(data, names=["background", "thing"], channels=5)
    assert "images/train/0.png: has 1 channels, but the network takes 5" in problems(data)


def test_many_problems_are_cut_short(data: Path):
    for number in range(30):
        put(data / f"images/train/x{number}.png", np.zeros((4, 4), np.uint8))
        put(data / f"masks/train/x{number}.png", np.full((4, 4), 9, np.uint8))
    lines = problems(data).splitlines()
    assert len(lines) == 6
    assert "25 more" in lines[-1]


def test_a_validation_split_may_be_all_background(data: Path):
    put(data / "images/val/0.png", np.zeros((4, 4), np.uint8))
    put(data / "masks/val/0.png", np.zeros((4, 4), np.uint8))
    assert scan_split(load_description(data), "val").class_pixels.tolist() == [16, 0]


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
    (data / "masks/train/2.png").write_bytes(b"")
    empty, found = problems(data).splitlines()
    assert "masks/train/2.png: is empty" in empty
    assert "0.png is uint16" in found
    assert "1.png is uint8" in found
