"""What imexseg evaluate writes beside the scores, and the boundary F-score."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imexseg.cli import main as command_line

Capture = pytest.CaptureFixture[str]


def evaluate(*arguments: object) -> int:
    return command_line.main(["evaluate", *map(str, arguments)])


def test_the_table_of_images_adds_up_to_the_scores(
    trained_run: Path, qtips_folder: Path, tmp_path: Path, capsys: Capture
):
    table = tmp_path / "deep/images.csv"
    assert evaluate(trained_run, qtips_folder, "--per-image", table, "--boundary", 2, "--json") == 0
    whole = json.loads(capsys.readouterr().out)
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["file"]).name for row in rows] == sorted(
        path.name for path in (qtips_folder / "images/val").iterdir()
    )
    assert np.mean([float(row["accuracy"]) for row in rows]) == pytest.approx(whole["accuracy"], abs=1e-5)
    names = list(whole["iou"])
    assert list(rows[0]) == ["file", "miou", "accuracy", "boundary_f", "ece", *(f"iou {name}" for name in names)]
    for row in rows:
        present = [float(row[f"iou {name}"]) for name in names if row[f"iou {name}"]]
        assert float(row["miou"]) == pytest.approx(np.mean(present), abs=1e-5)
    assert set(whole["boundary_f"]) == set(names)
    present = [value for value in whole["boundary_f"].values() if value is not None]
    assert whole["mean_boundary_f"] == pytest.approx(np.mean(present))


def test_boundary_and_calibration_are_printed(trained_run: Path, qtips_folder: Path, capsys: Capture):
    assert evaluate(trained_run, qtips_folder, "--boundary", 1.5) == 0
    said = capsys.readouterr().out
    assert "boundary F, 1.5 px" in said
    assert "expected calibration error 0." in said
    assert evaluate(trained_run, qtips_folder) == 0
    assert "boundary" not in capsys.readouterr().out


def test_the_worst_images_are_drawn_the_worst_first(
    trained_run: Path, qtips_folder: Path, tmp_path: Path, capsys: Capture
):
    table, folder = tmp_path / "images.csv", tmp_path / "worst"
    command = [trained_run, qtips_folder, "--per-image", table, "--save-errors", folder, "--worst", 3]
    assert evaluate(*command) == 0
    assert "3 images, the worst first, in" in capsys.readouterr().err
    with open(table, newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: float(row["miou"]))
    pictures = sorted(folder.iterdir())
    expected = [f"{k}_{Path(row['file']).stem}_miou-{float(row['miou']):.3f}.png" for k, row in enumerate(rows[:3], 1)]
    assert [path.name for path in pictures] == expected
    image = np.asarray(Image.open(rows[0]["file"]).convert("RGB"))
    drawn = np.asarray(Image.open(pictures[0]))
    side = image.shape[1]
    assert drawn.shape == (image.shape[0], 4 * side + 3 * 8, 3)
    np.testing.assert_array_equal(drawn[:, :side], image)
    truth, said, errors = (drawn[:, k * (side + 8) : k * (side + 8) + side] for k in (1, 2, 3))
    wrong = (truth != said).any(axis=2)
    np.testing.assert_array_equal((errors == (220, 20, 60)).all(axis=2), wrong)
    assert (1 - wrong.mean()) == pytest.approx(float(rows[0]["accuracy"]), abs=1e-5)
    assert evaluate(*command) == 2
    assert "worst: exists and is not empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--worst", "3"], "--worst: says how many images --save-errors draws"),
        (["--per-image", "."], "--per-image .: is a folder"),
        (["--save-errors", "https://host/x"], "nothing can be written to a web address"),
    ],
)
def test_wrong_options(options: list[str], words: str, trained_run: Path, qtips_folder: Path, capsys: Capture):
    assert evaluate(trained_run, qtips_folder, *options) == 2
    assert words in capsys.readouterr().err
