"""The bookkeeping of benchmarks/recipes.py: no row is trained twice, and tables compare what belongs together."""

import csv
from pathlib import Path

import pytest

from benchmarks import recipe_questions, recipe_tables, recipes
from benchmarks.recipe_questions import Question, Row, S
from imexseg.training.config import RunConfig


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """Which rows were asked for, without training them: the mIoU is 0.1, with more decay 0.15, of seed 1 0.2 more."""
    asked: list[Row] = []

    def train(row: Row, data: Path) -> dict:
        asked.append(row)
        miou = 0.1 + 0.05 * (row.settings["weight_decay"] > 0.05) + 0.2 * row.seed
        return {"val_miou": f"{miou:.4f}", "last_val_miou": "0", "epochs": 1, "seconds": 1, "commit": "none"}

    monkeypatch.setattr(recipes, "train", train)
    monkeypatch.setattr(recipes, "small_copy", lambda *place: Path())
    return asked


def run(monkeypatch: pytest.MonkeyPatch, results: Path, *questions: Question) -> None:
    for module in (recipes, recipe_tables):
        monkeypatch.setattr(module, "QUESTIONS", list(questions))
    monkeypatch.setattr("sys.argv", ["recipes", "--data", "nowhere", "--results", str(results)])
    recipes.main()


def test_a_row_is_trained_once_whichever_question_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Row], capsys: pytest.CaptureFixture[str]
):
    results = tmp_path / "results.csv"
    base = recipe_questions.BASE[S]["learning_rate"]
    rates = Question("learning_rate", S, (base, 2 * base), seeds=(0,))
    run(monkeypatch, results, rates)
    assert len(trained) == 2 * len(rates.sets)

    decays = Question("weight_decay", S, (1e-2, 0.1))
    run(monkeypatch, results, rates, decays)
    run(monkeypatch, results, decays, rates)
    n = 2 * len(rates.sets) + 3 * len(decays.sets)  # the base of seed 0 was there already
    assert len(trained) == n
    with open(results, newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({(r["set"], r["settings"], r["seed"]) for r in rows}) == len(rows) == n

    table = capsys.readouterr().out.split("\n\n")
    (lines,) = {part for part in table if part.startswith("| weight_decay |")}
    assert "| 0.1 | 25.0 | 25.0 | 25.0 | +5.0 ± 0.0 | 6 |" in lines.splitlines()


def test_settings_that_a_question_does_not_ask_about_are_those_of_the_base():
    for question in recipe_questions.QUESTIONS:
        assert question.removed == (question.knob not in RunConfig.model_fields)
        for row in question.rows():
            assert {**row.settings, question.knob: question.base} == question.settings(question.base)
            assert "test" not in row.key()
