"""A budget is kept, the learning rate comes down whatever the clock says, and what the clock changed can be repeated."""

import csv
import itertools
import time
from pathlib import Path

import pytest
import torch
import yaml
from tiny_runs import parameters, train
from torch.optim.lr_scheduler import OneCycleLR

from imexseg.cli.main import main
from imexseg.data.load.samplers import EpochSampler
from imexseg.errors import JobError
from imexseg.training import pace as pace_module
from imexseg.training.config import resolve
from imexseg.training.pace import Pace, PacedCycle
from imexseg.training.recorder import RunRecorder


def optimiser() -> torch.optim.Optimizer:
    return torch.optim.AdamW([torch.zeros(2, requires_grad=True)], lr=1.0)


def rates(schedule: OneCycleLR, steps: int) -> list[float]:
    found = []
    for _ in range(steps):
        found.append(schedule.get_last_lr()[0])
        schedule.optimizer.step()
        schedule.step()
    return found


def test_a_cycle_that_is_not_changed_is_torchs():
    assert rates(PacedCycle(optimiser(), 0.1, 50), 50) == rates(OneCycleLR(optimiser(), 0.1, total_steps=50), 50)


@pytest.mark.parametrize("end", [30, 45, 80])
def test_a_moved_end_is_reached_without_a_jump(end: int):
    usual = rates(OneCycleLR(optimiser(), 0.1, total_steps=50), 50)
    schedule = PacedCycle(optimiser(), 0.1, 50)
    found = rates(schedule, 25)
    schedule.end_at(end)
    found += rates(schedule, end - 25)
    assert found[:25] == usual[:25]
    assert found[-1] == pytest.approx(usual[-1])
    largest = max(abs(b - a) for a, b in itertools.pairwise(usual))
    stretch = max(1.0, 24 / (end - 26))
    assert max(abs(b - a) for a, b in itertools.pairwise(found)) <= 1.3 * stretch * largest


def test_what_was_changed_survives_a_checkpoint():
    schedule = PacedCycle(optimiser(), 0.1, 50)
    rates(schedule, 20)
    schedule.end_at(70)
    other = PacedCycle(optimiser(), 0.1, 70)
    other.load_state_dict(schedule.state_dict())
    assert rates(other, 10) == rates(schedule, 10)


def test_epochs_of_any_number_of_images_draw_all_equally_often():
    whole = EpochSampler(7, seed=3)
    drawn = []
    for epoch in range(14):
        part = EpochSampler(7, seed=3, per_epoch=3)
        part.set_epoch(epoch)
        assert len(part) == len(list(part)) == 3
        drawn += list(part)
    expected = []
    for epoch in range(6):
        whole.set_epoch(epoch)
        expected += list(whole)
    assert drawn == expected
    many = EpochSampler(2, seed=0, per_epoch=5)
    assert sorted(number for _, number in many) in ([0, 0, 0, 1, 1], [0, 0, 1, 1, 1])
    assert len(set(many)) == 5


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def slow_clock(monkeypatch: pytest.MonkeyPatch):
    """A second passes with every look at it: two of them in an epoch, whose end looks at it and whose checkpoint does."""
    ticks = itertools.count()
    monkeypatch.setattr(pace_module, "monotonic", lambda: float(next(ticks)))


def test_a_budget_is_kept_and_the_run_can_be_repeated(qtips_folder: Path, tmp_path: Path, slow_clock):
    trained, said = train(tmp_path / "run", qtips_folder, epochs=50, budget=18)
    assert 7 <= len(trained.history) <= 9
    written = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
    assert written["budget"] is None
    assert written["paces"][-1][1] == len(trained.history)
    assert "to keep the budget" in said
    rate = [row["learning_rate"] for row in trained.history]
    assert rate[-1] < 0.2 * max(rate)

    config = resolve(tmp_path / "run/config.yaml", {})
    kept = config.model_dump(include={"epochs", "paces", "learning_rate", "batch_size", "augmentation"})
    train(tmp_path / "again", qtips_folder, **kept)
    first, second = parameters(tmp_path / "run"), parameters(tmp_path / "again")
    assert all(torch.equal(first[name], second[name]) for name in first)
    losses = [[row["train_loss"] for row in rows(tmp_path / name)] for name in ("run", "again")]
    assert losses[0] == losses[1]


def test_a_run_whose_cycle_was_fitted_is_not_continued(qtips_folder: Path, tmp_path: Path, slow_clock, capsys):
    train(tmp_path / "run", qtips_folder, epochs=50, budget=8)
    assert main(["train", "--resume", str(tmp_path / "run"), "--epochs", "60"]) == 2
    assert "--init-weights" in capsys.readouterr().err


@pytest.mark.parametrize(("fill", "expected"), [(False, 6), (True, 15)])
def test_epochs_are_added_only_where_the_plan_says_so(
    fill: bool, expected: int, qtips_folder: Path, tmp_path: Path, slow_clock
):
    trained, _ = train(tmp_path / "run", qtips_folder, epochs=6, budget=30, fill_budget=fill)
    assert abs(len(trained.history) - expected) <= (1 if fill else 0)


def test_a_resumed_run_has_what_was_left(qtips_folder: Path, tmp_path: Path, slow_clock, monkeypatch):
    def stop_after_four(self, trainer, module):
        on_train_epoch_end(self, trainer, module)
        if trainer.current_epoch == 3:
            raise KeyboardInterrupt

    on_train_epoch_end = RunRecorder.on_train_epoch_end
    monkeypatch.setattr(RunRecorder, "on_train_epoch_end", stop_after_four)
    with pytest.raises(JobError):
        train(tmp_path / "run", qtips_folder, epochs=50, budget=18)
    monkeypatch.undo()
    ticks = itertools.count(1000)
    monkeypatch.setattr(pace_module, "monotonic", lambda: float(next(ticks)))
    trained, _ = train(tmp_path / "run", qtips_folder, epochs=50, budget=18, resume=True)
    assert 7 <= len(trained.history) <= 9


def test_the_number_of_epochs_follows_the_clock():
    pace = Pace(seconds=100.0, fill=True, paces=[])
    pace._started = time.monotonic() - 9.5
    assert pace._fitting(1, 20, 100.0) == 10
    pace = Pace(seconds=100.0, fill=False, paces=[])
    pace._started = time.monotonic() - 1
    assert pace._fitting(1, 20, 100.0) == 20
