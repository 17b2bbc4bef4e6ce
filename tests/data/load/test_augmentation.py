"""Augmentation by name or list, and crops: repeatable, the mask with the image, nothing but what is allowed."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from imexseg.data.description.labels import IGNORE
from imexseg.data.load.augmentation import GEOMETRIC, TONAL, A, Augmentation
from imexseg.data.load.augmentation_file import read_steps
from imexseg.data.load.augmentation_names import AUGMENTATIONS
from imexseg.data.load.crops import RareClassCrop
from imexseg.data.read.tensors import augmented_to_tensor
from imexseg.errors import UsageError


def picture(kind: str, channels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """An image whose first channel is bright where the mask is 1."""
    mask = np.zeros((48, 64), np.uint8)
    mask[10:30, 5:40] = 1
    image = np.random.default_rng(seed).random((48, 64, channels)) * 0.1
    image[..., 0] += 0.6 * mask
    return (image if kind == "float32" else image * np.iinfo(kind).max).astype(kind), mask


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 6])
def test_what_is_drawn_depends_on_the_seed_alone(name: str, kind: str, channels: int):
    augment, again = Augmentation(name, square=False), Augmentation(name, square=False)
    image, mask = picture(kind, channels)
    before = image.copy()
    drawn = [augment(image, mask, seed) for seed in range(12)]
    for seed in (7, 2):
        for one, other in zip(again(image, mask, seed), drawn[seed], strict=True):
            assert np.array_equal(one, other)
    assert np.array_equal(image, before)
    assert all(new.shape == image.shape and labels.shape == mask.shape for new, labels in drawn)
    assert (len({new.tobytes() for new, _ in drawn}) > 2) == (name != "none")
    scale = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}[kind]
    for new, labels in drawn:
        bright = augmented_to_tensor(new, image.dtype)[0].numpy() / scale
        inside, outside = bright[labels == 1], bright[labels == 0]
        assert inside.size == 0 or outside.size == 0 or inside.mean() > outside.mean() + 0.15


def test_every_allowed_step_exists_and_no_step_reads_files_or_calls():
    assert all(hasattr(A, name) for name in GEOMETRIC | TONAL)
    assert not (GEOMETRIC | TONAL) & {"Lambda", "FDA", "HistogramMatching", "TextImage", "OverlayElements", "Normalize"}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"Lambda": {}}], "unknown step 'Lambda'; choose of AdditiveNoise"),
        ([{"torch.load": {}}], "unknown step 'torch.load'"),
        ([{"HorizontalFlip": {"q": 1}}], r"HorizontalFlip has no setting \['q'\]; it has p"),
        ([{"HorizontalFlip": {"p": 7}}], "augmentation: HorizontalFlip: 1 validation error"),
        (["HorizontalFlip"], "step 1 should be `- Name:"),
        ([], "expected a list of steps"),
        ("x", "expected a list of steps"),
    ],
)
def test_lists_that_do_not_fit_are_explained(steps: object, message: str, tmp_path: Path):
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(steps))
    with pytest.raises(UsageError, match=message) as caught:
        read_steps(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_list_from_a_file(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("- HorizontalFlip: {p: 1}\n- VerticalFlip: {p: 1}\n")
    steps = read_steps(tmp_path / "a.yaml")
    image, mask = picture("uint8", 3)
    turned, labels = Augmentation(steps, square=False)(image, mask, 0)
    assert np.array_equal(turned, image[::-1, ::-1])
    assert np.array_equal(labels, mask[::-1, ::-1])
    with pytest.raises(UsageError, match="cannot be read"):
        read_steps(tmp_path / "b.yaml")
    steps = [{"HueSaturationValue": {"p": 1}}]
    with pytest.raises(UsageError, match="cannot be applied to uint8 images of 6 channels"):
        Augmentation(steps, square=False)(*picture("uint8", 6), 0)


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    h=st.integers(1, 40),
    w=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_crops_are_pieces_of_the_image(height: int, width: int, h: int, w: int, seed: int):
    image = np.arange(height * width, dtype=np.uint16).reshape(height, width, 1)
    mask = (image[..., 0] % 3).astype(np.uint8)
    crop = RareClassCrop((h, w), np.array([1000, 10, 1]))
    piece, labels = crop(image, mask, seed)
    assert piece.shape == (h, w, 1)
    assert labels.shape == (h, w)
    inside = labels != IGNORE
    assert inside.sum() == min(h, height) * min(w, width)
    assert np.array_equal(labels[inside], piece[..., 0][inside] % 3)
    assert np.array_equal(piece, crop(image, mask, seed)[0])


def test_rare_classes_are_seen_more_often():
    image, mask = np.zeros((200, 200, 1), np.uint8), np.zeros((200, 200), np.uint8)
    mask[150:152, 20:22] = 1
    counts = np.bincount(mask.ravel())

    def seen(chances: np.ndarray) -> float:
        crop = RareClassCrop((32, 32), chances)
        return float(np.mean([(crop(image, mask, seed)[1] == 1).any() for seed in range(300)]))

    anywhere = (33 / 169) ** 2  # of the corners that a piece may have, at most these show the class
    assert seen(counts) > 0.4 > 5 * anywhere
    assert seen(np.array([1, 10**12])) < 2 * anywhere
