"""What data.yaml says of labels is what every reader of masks sees."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imexseg.data.check.scan import scan_split
from imexseg.data.description.data_yaml import load_description
from imexseg.data.description.labels import IGNORE, UNKNOWN, label_table
from imexseg.data.load.dataset import SegmentationDataset
from imexseg.data.pairs.pairs import list_pairs
from imexseg.data.read.masks import read_classes, read_with_labels
from imexseg.errors import UsageError
from imexseg.evaluation.evaluate import read_pair

LABELS = ["sky", "boots", "shoes", "bag", "void"]
COLOURS = [[0, 0, 0], [255, 0, 0], [0, 255, 0], [9, 9, 9], [1, 2, 3]]


def data(root: Path, mask: np.ndarray, **description: object) -> Path:
    for kind, pixels in (("images", np.zeros((*mask.shape[:2], 3), np.uint8)), ("masks", mask)):
        (root / kind / "train").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / kind / "train" / "a.png")
    (root / "data.yaml").write_text(yaml.safe_dump(description, sort_keys=False))
    return root


def classes(root: Path) -> list[int]:
    """As training, evaluation and check read them, which must be the same."""
    description = load_description(root)
    (pair,) = list_pairs(description, "train")
    mask = read_classes(pair)
    trained = SegmentationDataset([pair], 3, np.dtype(np.uint8))[0, 0][1].numpy()
    evaluated = read_pair(pair, description.names)[1]
    facts = scan_split(description, "train")
    assert np.array_equal(mask, trained)
    assert np.array_equal(mask, evaluated)
    assert facts.class_pixels.tolist() == np.bincount(mask[mask != IGNORE], minlength=len(description.names)).tolist()
    return mask.ravel().tolist()


VALUES = np.array([[0, 1, 2], [3, 4, 255]], np.uint8)
DESCRIPTIONS: dict[str, tuple[dict, list[str], list[int]]] = {
    "as they are": ({"names": LABELS}, LABELS, [0, 1, 2, 3, 4, 255]),
    "one ignored": ({"names": LABELS, "ignore": "void"}, LABELS[:4], [0, 1, 2, 3, 255, 255]),
    "the first ignored": ({"names": LABELS, "ignore": ["sky"]}, LABELS[1:], [255, 0, 1, 2, 3, 255]),
    "merged": (
        {"names": LABELS, "classes": {"rest": ["sky", 3], "footwear": ["boots", "shoes"]}, "ignore": [4]},
        ["rest", "footwear"],
        [0, 1, 1, 0, 255, 255],
    ),
    "the rest": ({"names": LABELS, "classes": {"a": "rest", "b": "boots"}}, ["a", "b"], [0, 1, 0, 0, 0, 255]),
    "values named": (
        {"names": {0: "sky", 1: "boots", 2: "shoes", 3: "bag", 4: "void", 255: "white"}},
        [*LABELS, "white"],
        [0, 1, 2, 3, 4, 5],
    ),
}


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_labels_become_classes(kind: str, tmp_path: Path):
    description, names, expected = DESCRIPTIONS[kind]
    root = data(tmp_path, VALUES, **description)
    assert load_description(root).names == names
    assert classes(root) == expected


def test_binary_masks_of_0_and_255(tmp_path: Path):
    mask = np.array([[0, 255], [255, 0]], np.uint8)
    with pytest.raises(UsageError, match=r"write 1 for 'b', or `names: \{0: a, 255: b\}`"):
        scan_split(load_description(data(tmp_path, mask, names=["a", "b"])), "train")
    assert classes(data(tmp_path, mask, names={0: "a", 255: "b"})) == [0, 1, 1, 0]


def test_masks_that_count_from_one(tmp_path: Path):
    mask = np.array([[1, 2]], np.uint8)
    with pytest.raises(UsageError, match=r"subtract 1 from every value, or write `names: \{1: a, 2: b\}`"):
        scan_split(load_description(data(tmp_path, mask, names=["a", "b"])), "train")
    assert classes(data(tmp_path, mask, names={1: "a", 2: "b"})) == [0, 1]


def test_masks_in_colours(tmp_path: Path):
    mask = np.array(COLOURS, np.uint8)[[[0, 1, 2], [3, 4, 1]]]
    root = data(
        tmp_path, mask, names=LABELS, palette=COLOURS, classes={"a": ["sky", "bag"], "b": "rest"}, ignore="void"
    )
    assert classes(root) == [0, 1, 1, 0, 255, 1]
    assert load_description(root).palette == [(0, 0, 0), (255, 0, 0)]
    mask[0, 0] = (1, 2, 4)
    nearest = r"masks/train/a.png: has the colours \[1, 2, 4\] in 1 pixels \(nearest: void \[1, 2, 3\]\)"
    with pytest.raises(UsageError, match=nearest):
        classes(data(tmp_path, mask, names=LABELS, palette=COLOURS))
    with pytest.raises(UsageError, match="one channel of class numbers, but this one is RGB"):
        scan_split(load_description(data(tmp_path, mask, names=LABELS)), "train")


@given(seed=st.integers(0, 10**6))
def test_every_colour_is_exact_or_unknown(seed: int, tmp_path_factory):
    random = np.random.default_rng(seed)
    palette = [tuple(colour) for colour in np.unique(random.integers(0, 3, (6, 3)), axis=0).tolist()]
    labels = label_table(dict(enumerate("abcdefgh"[: len(palette)])), None, [], palette).labels
    pixels = random.integers(0, 3, (5, 7, 3)).astype(np.uint8)
    wanted = [[palette.index(tuple(p)) if tuple(p) in palette else UNKNOWN for p in row] for row in pixels.tolist()]
    path = tmp_path_factory.mktemp("colours") / "m.png"
    Image.fromarray(pixels).save(path)
    assert read_with_labels(path, labels).classes.tolist() == wanted


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"names": LABELS, "classes": {"a": ["sky"], "b": ["boots"]}}, "shoes, bag, void is in no class"),
        ({"names": LABELS, "classes": {"a": ["sky", "bots"], "b": "rest"}}, "there is no label 'bots'"),
        ({"names": LABELS, "classes": {"a": ["sky"], "b": ["sky"], "c": "rest"}}, "sky is in 'a' and in 'b'"),
        ({"names": LABELS, "classes": {"a": "rest", "b": "rest"}}, "only one class can take the rest"),
        ({"names": LABELS, "classes": {"a": ["void"], "b": "rest"}, "ignore": "void"}, "void is in `ignore` too"),
        ({"names": LABELS, "classes": {"a": [77], "b": "rest"}}, "77 has no name"),
        ({"names": LABELS, "ignore": ["nothing"]}, "there is no label 'nothing'"),
        ({"names": LABELS[:2], "ignore": ["sky"]}, "1 classes are left"),
        ({"names": ["a", "b"], "palette": [[1, 1, 1], [1, 1, 1]]}, "is listed twice, the second time for 'b'"),
        ({"names": {300: "a", 1: "b"}}, "less than or equal to 255"),
        ({"names": LABELS, "images": "x/*.png"}, "images and masks go together"),
        ({"names": LABELS, "images": "x/{split}.png", "masks": "y/*.png"}, "has no \\*"),
        ({"names": LABELS, "split": {"val": 0.7, "test": 0.5}}, "leave nothing to train on"),
        ({"names": LABELS, "split": {"vall": 0.7}}, "unknown key 'split.vall'; did you mean 'split.val'"),
        ({"names": [None, "a"]}, "YAML reads the word null as None; put it in quotes"),
        ({"names": LABELS, "bit_depth": 12}, "Input should be 8, 16 or 32"),
    ],
)
def test_descriptions_that_do_not_fit_are_explained(description: dict, message: str, tmp_path: Path):
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(description, sort_keys=False))
    with pytest.raises(UsageError, match=message) as caught:
        load_description(tmp_path)
    assert "\n" not in str(caught.value)
