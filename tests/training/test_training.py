"""Training: repeatable, resumable, the same on one process and on two."""

import csv
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from processes import Running, run_as_typed

import imexseg
from imexseg.errors import UsageError
from imexseg.training.config import RunConfig, dump, resolve
from imexseg.training.task import SegmentationTask, balanced_class_weights

OPTIONS = ("--epochs", 2, "--batch-size", 4, "--seed", 3)


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv", newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]


def assert_same_run(folder: Path, other: Path) -> None:
    assert rows(folder) == rows(other)
    first, second = weights(folder), weights(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_folder_holds_what_is_promised(trained_run: Path):
    names = {path.name for path in trained_run.iterdir()}
    assert names == {
        "best.safetensors",
        "config.yaml",
        "environment.json",
        "last.ckpt",
        "metrics.csv",
        "report.html",
        "tensorboard",
    }
    assert [row["epoch"] for row in rows(trained_run)] == ["1", "2"]
    assert any((trained_run / "tensorboard").rglob("events.out.tfevents.*"))
    info = imexseg.load(trained_run / "best.safetensors").info
    assert info.names == ["background", "white-white", "white-black", "black-black"]
    assert info.data["train_images"] == 16
    assert info.metrics["miou"] == pytest.approx(max(float(row["val_miou"]) for row in rows(trained_run)))
    assert info.network.mean[0] == pytest.approx(67, abs=4)


def test_the_config_in_the_run_folder_repeats_the_run(trained_run: Path, imexseg_cli, tmp_path: Path):
    done = imexseg_cli("train", "--config", trained_run / "config.yaml", "--output", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    assert_same_run(trained_run, tmp_path / "again")
    for name in ("best.safetensors",):
        assert (tmp_path / "again" / name).read_bytes() == (trained_run / name).read_bytes()


def start(qtips_folder: Path, output: Path, *more: object) -> Running:
    return Running("train", qtips_folder, *OPTIONS, "--output", output, *more)


def wait_for(path: Path, process: Running) -> None:
    deadline = time.monotonic() + 100
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_run_resumes_to_the_same_weights(trained_run: Path, qtips_folder: Path, imexseg_cli, tmp_path: Path):
    folder = tmp_path / "killed"
    process = start(qtips_folder, folder)
    wait_for(folder / "last.ckpt", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(rows(folder)) == 1
    imexseg.load(folder / "best.safetensors")
    done = imexseg_cli("train", "--resume", folder)
    assert done.returncode == 0, done.stderr
    assert_same_run(trained_run, folder)


def test_ctrl_c_keeps_the_last_finished_epoch_and_says_how_to_go_on(qtips_folder: Path, tmp_path: Path):
    folder = tmp_path / "stopped"
    process = start(qtips_folder, folder, "--epochs", 500)
    wait_for(folder / "last.ckpt", process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert f"imexseg train --resume {folder}" in errors
    imexseg.load(folder / "best.safetensors")
    assert not list(folder.glob(".*"))


def test_two_processes_report_the_metrics_of_one(qtips_folder: Path, tmp_path: Path):
    """Five validation images, an odd number: counted once each, not padded up to six."""
    from imexseg.data.description.data_yaml import load_description
    from imexseg.evaluation.evaluate import evaluate
    from imexseg.inference.predictor import Predictor

    done = run_as_typed(
        "train", qtips_folder, "--epochs", 1, "--batch-size", 4, "--devices", 2, "--output", tmp_path / "two"
    )
    assert done.returncode == 0, done.stderr
    reported = float(rows(tmp_path / "two")[0]["val_miou"])
    alone = evaluate(Predictor(imexseg.load(tmp_path / "two/best.safetensors")), load_description(qtips_folder), "val")
    assert alone.scores.images == 5
    assert alone.scores.confusion.sum() == 5 * 32 * 32
    assert reported == pytest.approx(alone.scores.miou, abs=1e-6)


def test_settings_come_from_the_file_and_flags_win(tmp_path: Path):
    file = tmp_path / "config.yaml"
    file.write_text("epochs: 7\nmodel: parabolic-lean\nqtips: {train: 5}\n")
    config = resolve(file, {"epochs": 9, "seed": None})
    assert (config.epochs, config.model, config.qtips.train, config.seed) == (9, "parabolic-lean", 5, 0)
    file.write_text(dump(config))
    assert resolve(file, {}) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "unknown key 'epoch'; did you mean 'epochs'"),
        ("qtips: {presett: pile}", "unknown key 'qtips.presett'; did you mean 'qtips.preset'"),
        ("network: {widht: 8}", "network: unknown key 'widht'; did you mean 'width'"),
        ("epochs: -3", "epochs: Input should be greater than or equal to 1, got -3"),
        ("model: imex-leen", "unknown model 'imex-leen'; did you mean 'imex-lean'"),
        ("qtips: {preset: auhtors}", "unknown preset 'auhtors'; did you mean 'authors'"),
        ("learning_rate: fast", "learning_rate: Input should be a valid number"),
        ("- 1", "expected `key: value` lines"),
    ],
)
def test_bad_settings_are_explained(text: str, message: str, tmp_path: Path):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        resolve(tmp_path / "c.yaml", {})
    assert str(tmp_path / "c.yaml") in str(caught.value)


def test_every_setting_survives_yaml():
    config = RunConfig(model="imex-dense", network={"width": 8}, learning_rate=1e-4)
    assert RunConfig.model_validate(yaml.safe_load(dump(config))) == config


def test_class_weights_and_loss_ignore_what_they_should():
    weights = balanced_class_weights(torch.tensor([900, 100, 0]))
    assert weights.tolist() == pytest.approx([1, 3, 1])
    task = SegmentationTask(torch.nn.Identity(), ["a", "b", "c"], weights, 1e-3, 0)
    logits = torch.randn(2, 3, 4, 5)
    mask = torch.randint(0, 3, (2, 4, 5))
    expected = torch.nn.functional.cross_entropy(logits[:, :, :2], mask[:, :2], weight=weights)
    mask[:, 2:] = 255
    torch.testing.assert_close(task.loss(logits, mask), expected)
    assert task.loss(logits, torch.full_like(mask, 255)) == 0


def test_metrics_are_numbers(trained_run: Path):
    assert np.isfinite([[float(value) for value in row.values()] for row in rows(trained_run)]).all()
