"""Runs that go on: more epochs on purpose, other settings by mistake, a checkpoint that is not one."""

import io
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from tiny_runs import parameters, train

from imexseg.cli.main import main
from imexseg.errors import JobError
from imexseg.training.claim import claimed
from imexseg.training.run_folder import _next_name
from imexseg.training.task import SegmentationTask


@pytest.fixture(scope="module")
def finished(qtips_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs; read only."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    train(folder, qtips_folder, epochs=2)
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def change(folder: Path, **settings: object) -> None:
    content = yaml.safe_load((folder / "config.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump(content | settings))


def test_a_continued_run_is_the_run_with_restarts(run: Path, qtips_folder: Path, tmp_path: Path, capsys):
    assert main(["train", "--resume", str(run), "--epochs", "4"]) == 0
    assert "the learning rate begins a new cycle, up to 0.02" in " ".join(capsys.readouterr().err.split())
    settings = yaml.safe_load((run / "config.yaml").read_text())
    assert (settings["epochs"], settings["restarts"]) == (4, [2])
    at_once, _ = train(tmp_path / "at-once", qtips_folder, epochs=4, restarts=[2])
    first, second = parameters(run), parameters(tmp_path / "at-once")
    assert all(torch.equal(first[name], second[name]) for name in first)
    rates = [row["learning_rate"] for row in at_once.history]
    assert rates[0] == rates[2] == pytest.approx(0.02 / 25)  # where one cycle begins


def test_a_continued_run_that_was_stopped_stays_in_its_cycle(run: Path, qtips_folder: Path, tmp_path: Path):
    def stop(task: SegmentationTask) -> None:
        if task.current_epoch == 3:
            raise KeyboardInterrupt

    change(run, epochs=4, restarts=[2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SegmentationTask, "on_train_epoch_start", stop)
        assert main(["train", "--resume", str(run)]) == 1
    assert main(["train", "--resume", str(run)]) == 0
    train(tmp_path / "at-once", qtips_folder, epochs=4, restarts=[2])
    first, second = parameters(run), parameters(tmp_path / "at-once")
    assert all(torch.equal(first[name], second[name]) for name in first)


def foreign(path: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(3)}}, path)


def another_network(path: Path) -> None:
    content = torch.load(path, weights_only=True)
    content["state_dict"]["network.more"] = torch.zeros(3)
    torch.save(content, path)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2000])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (truncate, "is damaged, truncated or not a checkpoint"),
        (flip, "is damaged"),
        (lambda path: path.write_bytes(b""), "is damaged, truncated or not a checkpoint"),
        (foreign, "is not a checkpoint of `imexseg train`"),
        (another_network, "is of another network (tensor network.more)"),
    ],
)
def test_a_checkpoint_that_is_none_is_explained(damage, said: str, run: Path, capsys):
    damage(run / "last.ckpt")
    assert main(["train", "--resume", str(run)]) == 2
    err = capsys.readouterr().err
    assert f"{run}/last.ckpt: {said}" in err
    assert f"--init-weights {run}/best.safetensors" in err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": 5}, "epochs is 5, but {run}/last.ckpt was begun with 2: set it back to 2"),
        ({"learning_rate": 0.5}, "learning_rate is 0.5, but"),
        ({"network": {"width": 6, "n_steps": 2, "norm": "tv"}}, "network is"),
        ({"seed": 4}, "seed is 4, but"),
    ],
)
def test_settings_that_were_changed_are_named(settings: dict, said: str, run: Path, capsys):
    change(run, **settings)
    assert main(["train", "--resume", str(run)]) == 2
    assert said.format(run=run) in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("more", "said"), [(1, "has 2 epochs already"), (2, "has 2 epochs already")])
def test_a_run_is_continued_by_more_epochs_only(more: int, said: str, run: Path, capsys):
    assert main(["train", "--resume", str(run), "--epochs", str(more)]) == 2
    assert said in capsys.readouterr().err


def test_two_trainings_do_not_share_a_folder(run: Path, qtips_folder: Path, tmp_path: Path, capsys):
    with claimed(run):
        assert main(["train", "--resume", str(run)]) == 2
    assert f"{run}: another training run is writing to this folder" in capsys.readouterr().err
    with claimed(tmp_path / "new"):
        assert main(["train", str(qtips_folder), "--output", str(tmp_path / "new")]) == 2
    assert "another training run is writing" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    assert _next_name(Path("runs/x-20260101-101010")).name == "x-20260101-101010-2"
    assert _next_name(Path("runs/x-20260101-101010-2")).name == "x-20260101-101010-3"


def test_a_run_that_was_killed_before_its_first_epoch_begins_again(finished: Path, run: Path):
    for name in ("last.ckpt", "best.safetensors", "metrics.csv", "environment.json"):
        (run / name).unlink()
    assert main(["train", "--resume", str(run)]) == 0
    first, second = parameters(run), parameters(finished)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_weights_that_are_no_numbers_are_not_kept(qtips_folder: Path, tmp_path: Path):
    with pytest.raises(JobError, match=r"diverged in epoch 1: .*--learning-rate 2.5e\+29 instead of 1e\+30"):
        train(tmp_path / "run", qtips_folder, learning_rate=1e30, said=io.StringIO())
    assert not (tmp_path / "run/best.safetensors").exists()
    assert not (tmp_path / "run/last.ckpt").exists()
