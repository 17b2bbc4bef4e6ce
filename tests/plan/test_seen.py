"""What a plan sees in masks and images, against shapes whose measures are known."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imexseg.data.pairs.pairs import Pair
from imexseg.plan import objects
from imexseg.plan.objects import evenly, look_at_objects
from imexseg.plan.reach import estimate_reach

random = np.random.default_rng(3)


def pair(folder: Path, name: str, image: np.ndarray, mask: np.ndarray) -> Pair:
    paths = folder / f"{name}.png", folder / f"{name}_mask.png"
    for path, pixels in zip(paths, (image, mask), strict=True):
        Image.fromarray(pixels).save(path)
    return Pair(*paths)


@pytest.mark.parametrize("factor", [1, 4])
def test_stripes_are_as_thick_as_they_are(factor: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    mask = np.zeros((400, 400), np.uint8)
    mask[40:60], mask[200:280, 100:180] = 1, 2
    monkeypatch.setattr(objects, "LARGEST", 400 // factor)
    found = look_at_objects([pair(tmp_path, "a", mask, mask)], ["rest", "stripe", "square"])
    rest, stripe, square = found.classes
    assert stripe.thickness == pytest.approx(20, abs=3 * factor)
    assert stripe.size == pytest.approx((20 * 400) ** 0.5, rel=0.05)
    assert (stripe.objects, square.objects) == (1, 1)
    assert square.size == pytest.approx(80, rel=0.05)
    assert rest.thickness > stripe.thickness
    assert found.up_and_down == pytest.approx(0.1, abs=0.01)  # the stripe: 8000 of the 80 000 pixels of a half


def test_halves_that_are_alike_by_chance_have_no_up_and_down(tmp_path: Path):
    masks = [np.kron(random.integers(0, 2, (6, 6)), np.ones((8, 8))).astype(np.uint8) for _ in range(40)]
    pairs = [pair(tmp_path, str(i), mask, mask) for i, mask in enumerate(masks)]
    found = look_at_objects(pairs, ["a", "b"])
    assert abs(found.up_and_down - found.left_and_right) < 0.05


def test_an_even_choice_has_both_ends():
    pairs = [Pair(Path(str(i)), Path(str(i))) for i in range(100)]
    chosen = evenly(pairs, 7)
    assert len(chosen) == 7
    assert (chosen[0], chosen[-1]) == (pairs[0], pairs[-1])
    assert evenly(pairs[:3], 7) == pairs[:3]


def test_the_reach_of_a_class_is_that_of_its_texture(tmp_path: Path):
    """Colour alone decides at once; texture, equal on average, needs its surroundings."""
    colour, texture = [], []
    for i in range(16):
        mask = np.zeros((96, 96), np.uint8)
        mask[:, 48:] = 1
        noise = random.integers(0, 30, (96, 96))
        colour.append(pair(tmp_path, f"c{i}", (60 + 120 * mask + noise).astype(np.uint8), mask))
        smooth = np.full((96, 96), 128)
        rough = 128 + 100 * (np.indices((96, 96)).sum(axis=0) // 2 % 2 * 2 - 1)
        pixels = np.where(random.random((96, 96)) < 0.3, 128, np.where(mask == 1, rough, smooth + noise - 15))
        texture.append(pair(tmp_path, f"t{i}", np.clip(pixels, 0, 255).astype(np.uint8), mask))
    by_colour, by_texture = estimate_reach(colour, 2, 1), estimate_reach(texture, 2, 1)
    assert by_colour.radius == 0
    assert by_colour.accuracy[0] > 0.95
    assert by_texture.radius >= 1
    assert by_texture.accuracy[by_texture.radius] > by_texture.accuracy[0] + 0.03


def test_one_class_has_no_reach(tmp_path: Path):
    empty = np.zeros((16, 16), np.uint8)
    pairs = [pair(tmp_path, str(i), empty, empty) for i in range(4)]
    assert estimate_reach(pairs, 2, 1).radius is None
    assert estimate_reach(pairs[:1], 2, 1).radius is None
