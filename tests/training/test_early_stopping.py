"""A run that no longer gets better ends, and stays ended."""

import json
from pathlib import Path

import pytest
from tiny_runs import train

from imexseg.errors import JobError
from imexseg.training.task import SegmentationTask

STANDSTILL = {"epochs": 9, "early_stopping": 2, "learning_rate": 1e-12, "weight_decay": 0}


def epochs(folder: Path) -> list[str]:
    return [line.split(",")[0] for line in (folder / "metrics.csv").read_text().splitlines()[1:]]


def test_it_ends_says_so_and_stays_ended(qtips_folder: Path, tmp_path: Path):
    _, said = train(tmp_path / "run", qtips_folder, **STANDSTILL)
    assert epochs(tmp_path / "run") == ["1", "2", "3"]
    reason = "after epoch 3: no higher val mIoU in 2 epochs"
    assert f"stopped {reason}" in said
    assert json.loads((tmp_path / "run/environment.json").read_text())["stopped"] == reason
    again, said = train(tmp_path / "run", qtips_folder, resume=True, **STANDSTILL)
    assert epochs(tmp_path / "run") == ["1", "2", "3"]
    assert len(again.history) == 3
    assert f"stopped {reason}" in said


def test_an_interrupted_run_goes_on_counting(qtips_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(task: SegmentationTask) -> None:
        if task.current_epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SegmentationTask, "on_train_epoch_start", interrupt)
        with pytest.raises(JobError, match="interrupted; every finished epoch is kept"):
            train(tmp_path / "run", qtips_folder, **STANDSTILL)
    assert epochs(tmp_path / "run") == ["1", "2"]
    train(tmp_path / "run", qtips_folder, resume=True, **STANDSTILL)
    assert epochs(tmp_path / "run") == ["1", "2", "3"]


def test_a_run_that_gets_better_goes_on(qtips_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def better(task: SegmentationTask) -> None:
        task.log("val_miou", 0.1 * task.current_epoch)

    monkeypatch.setattr(SegmentationTask, "on_validation_epoch_end", better)
    _, said = train(tmp_path / "run", qtips_folder, epochs=4, early_stopping=1)
    assert epochs(tmp_path / "run") == ["1", "2", "3", "4"]
    assert "stopped" not in said
