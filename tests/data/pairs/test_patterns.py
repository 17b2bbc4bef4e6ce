"""Files anywhere, by patterns; splits made from files that have none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imexseg.data.description.data_yaml import DataDescription, SplitRule
from imexseg.data.description.splits import assign_splits
from imexseg.data.pairs.pairs import available_splits, list_pairs
from imexseg.errors import UsageError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def pairs(root: Path, images: str, masks: str, split: str = "train", **more) -> list[tuple[str, str]]:
    description = DataDescription(root=root, names=["a", "b"], images=images, masks=masks, **more)
    found = list_pairs(description, split)
    return [(str(pair.image.relative_to(root)), str(pair.mask.relative_to(root))) for pair in found]


def test_what_wildcards_stand_for_must_be_the_same(tmp_path: Path):
    for split in ("train", "val"):
        for city, stem in (("ulm", "1"), ("bonn", "1"), ("bonn", "2")):
            touch(tmp_path, f"left/{split}/{city}/{stem}_left.png", f"gt/{split}/{city}/{stem}_ids.png")
    touch(tmp_path, "gt/train/bonn/1_colour.png", "left/readme.txt")
    images, masks = "left/{split}/**/*_left.png", "gt/{split}/**/*_ids.png"
    assert pairs(tmp_path, images, masks) == [
        (f"left/train/{name}_left.png", f"gt/train/{name}_ids.png") for name in ("bonn/1", "bonn/2", "ulm/1")
    ]
    assert pairs(tmp_path, str(tmp_path / images), masks, "val")[0][0] == "left/val/bonn/1_left.png"
    assert available_splits(DataDescription(root=tmp_path, names=["a", "b"], images=images, masks=masks)) == [
        "train",
        "val",
    ]
    (tmp_path / "gt/train/ulm/1_ids.png").unlink()
    with pytest.raises(
        UsageError, match=r"left/train/ulm/1_left.png: no mask that 'gt/\{split\}/\*\*/\*_ids.png' matches"
    ):
        pairs(tmp_path, images, masks)


def test_masks_of_all_splits_in_one_folder_with_any_suffix(tmp_path: Path):
    touch(tmp_path, "train/1.jpg", "train/2.PNG", "val/3.jpg", *(f"all/{n}[x].png" for n in (1, 2, 3)))
    assert pairs(tmp_path, "{split}/*.*", "all/*[x].png", "val") == [("val/3.jpg", "all/3[x].png")]
    assert len(pairs(tmp_path, "{split}/*.*", "all/*[x].png")) == 2
    with pytest.raises(UsageError, match=r"nope/\*.png: no .* file matches"):
        pairs(tmp_path, "{split}/*.*", "nope/*.png")
    with pytest.raises(UsageError, match=r"has no \{split\}, so nothing says what train is"):
        pairs(tmp_path, "train/*.*", "all/*[x].png")


@pytest.mark.parametrize("layout", ["flat", "train only", "patterns"])
def test_splits_are_made_once_for_all(layout: str, tmp_path: Path):
    folder = {"flat": "", "train only": "train/", "patterns": ""}[layout]
    touch(tmp_path, *(f"{kind}/{folder}{n:02}.png" for kind in ("images", "masks") for n in range(20)))
    touch(tmp_path, f"images/{folder}99.png", f"masks/{folder}99.png")
    (tmp_path / f"images/{folder}99.png").write_text((tmp_path / f"images/{folder}03.png").read_text())  # a copy
    where = {"images": "images/*.png", "masks": "masks/*.png"} if layout == "patterns" else {}
    description = DataDescription(root=tmp_path, names=["a", "b"], split=SplitRule(val=0.2, test=0.1, seed=1), **where)
    found = {split: [pair.image.stem for pair in list_pairs(description, split)] for split in ("train", "val", "test")}
    assert sorted(stem for stems in found.values() for stem in stems) == [*(f"{n:02}" for n in range(20)), "99"]
    assert available_splits(description) == ["train", "val", "test"]
    assert any({"03", "99"} <= set(stems) for stems in found.values())
    if layout == "train only":
        touch(tmp_path, "images/val/1.png")
        with pytest.raises(UsageError, match="val has files of its own and a share in `split`"):
            list_pairs(description, "val")


@given(n=st.integers(2, 40), val=st.floats(0, 0.6), seed=st.integers(0, 99), copies=st.integers(1, 3))
def test_shares_hold_and_copies_stay_together(n: int, val: float, seed: int, copies: int, tmp_path_factory):
    root = tmp_path_factory.mktemp("files")
    images = {}
    for number in range(n):
        path = root / f"{number}"
        path.write_text(f"{number // copies:05}")
        images[str(number)] = path
    rule = SplitRule(val=val, test=0.1, seed=seed)
    splits = assign_splits(images, rule)
    assert splits == assign_splits(dict(reversed(images.items())), rule)
    for number in range(n):
        assert splits[str(number)] == splits[str(number // copies * copies)]
    if copies == 1:
        found = list(splits.values())
        assert found.count("val") == min(max(round(val * n), 1 if val else 0), n - round(0.1 * n) - 1) or n < 4
        assert "train" in found
