"""What the report says would help: each line where it is due, and not elsewhere."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from test_report_html import contents, example, page_of

import imexseg
from imexseg.data.description.data_yaml import load_description
from imexseg.data.pairs.pairs import list_pairs
from imexseg.evaluation.scores import Scores
from imexseg.report.advice import advice, half_interval
from imexseg.report.suspicious import SHOWN, look_through

NAMES = ("sky", "sea", "land")
GOOD = np.array([[95, 3, 2], [4, 94, 2], [1, 2, 97]])
CONFUSED = np.array([[60, 38, 2], [4, 94, 2], [1, 2, 97]])


def history(train: list[float], val: list[float], mious: list[float]) -> list[dict]:
    rows = zip(train, val, mious, strict=True)
    return [{"epoch": i + 1, "train_loss": a, "val_loss": b, "val_miou": c} for i, (a, b, c) in enumerate(rows)]


RISING = history(
    [1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.24, 0.18], [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4], [i / 10 for i in range(8)]
)
FLAT = history([1.0, 0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4], [1.0, 0.5] + [0.45] * 6, [0.5, 0.7] + [0.8] * 6)
OVERFITTED = history(
    [1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.04, 0.04], [1, 0.5, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], [0.5, 0.7] + [0.8] * 6
)


def lines(rows: list[dict], matrix: np.ndarray = GOOD, images: int = 40, trained: np.ndarray | None = None) -> str:
    own = None if trained is None else Scores(NAMES, trained, 40)
    return "\n".join(advice(rows, Scores(NAMES, matrix * images, images), [matrix] * images, own))


def test_nothing_is_said_where_nothing_is_wrong():
    assert lines(FLAT, trained=GOOD) == ""


def test_a_curve_that_still_rises_asks_for_a_larger_budget():
    assert "A larger budget" in lines(RISING, trained=GOOD)
    assert "A larger budget" not in lines(FLAT) + lines(OVERFITTED)


def test_a_gap_between_training_and_validation_asks_for_more_images():
    said = lines(OVERFITTED, matrix=CONFUSED, trained=np.diag([100, 100, 100]))
    assert said.startswith("More images, or stronger augmentation: mIoU is 1.000 on training images")
    assert "lowest after epoch 3" in said
    assert "More images" not in lines(FLAT, trained=GOOD)


def test_a_confused_class_is_named_with_the_other_one():
    assert "38% of the pixels of sky are taken for sea" in lines(FLAT, matrix=CONFUSED)


def test_a_class_without_truth_and_few_images_are_said():
    absent = np.array([[95, 5, 0], [5, 95, 0], [0, 0, 0]])
    said = lines(FLAT, matrix=absent, images=3)
    assert "Validation images with land" in said
    assert "drawn again from these 3" in said


def test_the_interval_narrows_with_the_images():
    random = np.random.default_rng(1)

    def images(n: int) -> list[np.ndarray]:
        return [np.array([[right, 100 - right], [100 - right, right]]) for right in random.integers(40, 100, n)]

    assert half_interval(images(1)) == 0
    assert half_interval(images(100)) < 0.5 * half_interval(images(8))


@pytest.fixture(scope="module")
def mislabelled(qtips_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same data with one mask of training turned upside down, and its classes exchanged."""
    import shutil

    root = tmp_path_factory.mktemp("mislabelled") / "data"
    shutil.copytree(qtips_folder, root)
    path = sorted((root / "masks/train").iterdir())[5]
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(path), np.where(mask == 0, 3, 0).astype(np.uint8))
    return root


def test_a_mask_that_is_wrong_is_the_most_suspicious(trained_run: Path, mislabelled: Path):
    network = imexseg.load(trained_run / "best.safetensors")
    description = load_description(mislabelled)
    train, val = (list_pairs(description, split) for split in ("train", "val"))
    look = look_through(network, train, val, seconds=60)
    assert look.looked == look.of == len(train) + len(val)
    assert look.doubtful[0].pair.mask.name == sorted(path.name for path in (mislabelled / "masks/train").iterdir())[5]
    assert len(look.doubtful) == SHOWN
    losses = [one.loss for one in look.doubtful]
    assert losses == sorted(losses, reverse=True)
    assert look.confusion.sum() == len(train) * 32 * 32
    assert look_through(network, train, val, seconds=-1).looked == 0


def test_the_page_shows_advice_plan_and_suspicious_masks(tmp_path: Path):
    page = page_of(
        tmp_path,
        advice=["A larger <budget>: x"],
        suspicious=[example("wrong <b>1</b>")],
        looked=(7, 9),
        plan=[{"what": "network", "value": "imex-lite0", "why": "because <i>"}],
    )
    for text in ("What would help most", "A larger <budget>: x", "wrong <b>1</b>", "7 of 9 images", "because <i>"):
        assert text in page.text
    without = page_of(tmp_path, **vars(contents()))
    assert "Masks to look at again" not in without.text


def test_a_finished_run_says_what_would_help(trained_run: Path):
    text = (trained_run / "report.html").read_text()
    assert "What would help most" in text
    assert "Masks to look at again" in text
    assert ">Plan<" in text
