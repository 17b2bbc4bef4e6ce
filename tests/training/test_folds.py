"""`train --folds K`: a score that rests on every image, beside a network that is the same with and without it."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml

import imexseg
from imexseg.cli.console import messages
from imexseg.cli.main import main
from imexseg.training import folds as folds_module
from imexseg.training.fit import look_at_data

SMALL = ("--model", "imex-lean", "--network", "width=4,n_steps=2", "--epochs", "2", "--batch-size", "4")


def train(data: Path, output: Path, *flags: object) -> int:
    return main([str(flag) for flag in ("train", data, *SMALL, "--output", output, *flags)])


@pytest.fixture(scope="module")
def run(qtips_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("with-folds") / "run"
    assert train(qtips_folder, folder, "--folds", 3) == 0
    return folder


def test_the_network_is_that_of_a_run_without_folds(qtips_folder: Path, run: Path, tmp_path: Path):
    assert train(qtips_folder, tmp_path / "alone") == 0
    with_folds, alone = (imexseg.load(folder / "best.safetensors") for folder in (run, tmp_path / "alone"))
    for name, tensor in alone.state_dict().items():
        assert tensor.equal(with_folds.state_dict()[name])


def test_scores_are_those_of_the_last_epoch_of_each_fold(run: Path):
    scores = json.loads((run / "folds.json").read_text())
    assert (scores["of"], scores["images"], len(scores["mious"])) == (3, 21, 3)
    for number, miou in enumerate(scores["mious"], start=1):
        with open(run / "folds" / str(number) / "metrics.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 2
        assert float(rows[-1]["val_miou"]) == miou
        assert [path.name for path in (run / "folds" / str(number)).iterdir()] == ["metrics.csv"]
    info = imexseg.load(run / "best.safetensors").info
    assert info.metrics["folds"] == scores
    assert info.metrics["split"] == "val"
    assert "over 3 folds of 21 images" in (run / "report.html").read_text()


def test_an_interrupted_run_goes_on_with_the_folds_that_are_missing(
    qtips_folder: Path, run: Path, tmp_path: Path, monkeypatch, capsys
):
    fit, begun = folds_module.fit, []

    def interrupted_in_the_second(config, folder, *rest, **more):
        begun.append(folder.name)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return fit(config, folder, *rest, **more)

    monkeypatch.setattr(folds_module, "fit", interrupted_in_the_second)
    folder = tmp_path / "run"
    assert train(qtips_folder, folder, "--folds", 3) != 0
    assert f"--resume {folder}" in capsys.readouterr().err
    assert len(json.loads((folder / "folds.json").read_text())["mious"]) == 1
    assert main(["train", "--resume", str(folder)]) == 0
    assert begun == ["1", "2", "2", "3"]
    assert (folder / "folds.json").read_bytes() == (run / "folds.json").read_bytes()


def test_folds_end_with_the_budget(qtips_folder: Path, tmp_path: Path, monkeypatch, capsys):
    clock = iter(range(0, 10_000, 10))  # each look at it takes ten seconds
    monkeypatch.setattr(folds_module.time, "monotonic", lambda: float(next(clock)))
    folder = tmp_path / "run"
    assert train(qtips_folder, folder) == 0
    config = folds_module.resolve(folder / "config.yaml", {}).model_copy(update={"folds": 4})
    found = folds_module.cross_validate(config, folder, look_at_data(qtips_folder), messages, seconds=50)
    assert found is not None
    assert 0 < len(found.mious) < 4
    assert f"no time is left for more folds than {len(found.mious)} of 4" in capsys.readouterr().err
    assert f"over {len(found.mious)} of 4 folds" in found.in_words()


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--folds", 1), "folds"),
        (("--folds", 22), "only 21 images"),
        (("--folds", 3, "--devices", 2), "one device"),
    ],
)
def test_folds_that_cannot_be_are_refused_before_anything_is_written(
    qtips_folder: Path, tmp_path: Path, capsys, flags: tuple, reason: str
):
    assert train(qtips_folder, tmp_path / "run", *flags) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_folds_need_data(tmp_path: Path, capsys):
    assert main(["train", "--folds", "3", "--output", str(tmp_path / "run")]) == 2
    assert "give DATA" in capsys.readouterr().err


def test_a_finished_run_with_more_epochs_scores_its_folds_anew(run: Path, tmp_path: Path):
    folder = tmp_path / "longer"
    shutil.copytree(run, folder)
    assert main(["train", "--resume", str(folder), "--epochs", "3"]) == 0
    with open(folder / "folds" / "2" / "metrics.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 3
    assert yaml.safe_load((folder / "config.yaml").read_text())["folds"] == 3
