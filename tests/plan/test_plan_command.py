"""`imexseg plan` and `train` without --model, as a user runs them, on small synthetic folders."""

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import imexseg
from imexseg.cli.main import main
from imexseg.plan import choose, rules, threads
from imexseg.plan.device import Weighed
from imexseg.plan.plan import Limits
from imexseg.plan.planner import make_plan
from imexseg.training.fit import look_at_data

random = np.random.default_rng(5)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials of a moment."""
    monkeypatch.setattr(choose, "TRIAL", 0.3)
    monkeypatch.setattr(threads, "SECONDS", 0.02)
    monkeypatch.setattr(rules, "REPORT", 0.2)


def scene(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Ground below sky, and a disc somewhere."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 2 :] = 1
    row, column = random.integers(0, height), random.integers(0, width)
    rows, columns = np.ogrid[:height, :width]
    mask[np.hypot(rows - row, columns - column) < max(height, width) / 6] = 2
    image = np.array([[90, 150, 220], [120, 90, 60], [220, 40, 40]], np.uint8)[mask]
    return (image + random.integers(0, 20, image.shape)).astype(np.uint8), mask


def folder(root: Path, train: int, val: int, size: tuple[int, int] = (64, 96), names: str = "sky ground disc") -> Path:
    for split, number in (("train", train), ("val", val)):
        for i in range(number):
            image, mask = scene(*size)
            for kind, pixels in (("images", image), ("masks", mask)):
                path = root / kind / split / f"{i:03}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
    (root / "data.yaml").write_text(yaml.safe_dump({"names": names.split()}))
    return root


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_plan_writes_nothing_and_says_each_decision_with_its_reason(capsys, tmp_path: Path, monkeypatch):
    data = folder(tmp_path / "data", 12, 4)
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path)
    code, out, err = run(capsys, "plan", data, "--budget", "10m", "--pretrained", "never", "--json")
    assert code == 0, err
    assert files(tmp_path) == before
    plan = json.loads(out)
    decisions = {decision["what"]: decision for decision in plan["decisions"]}
    wanted = ["network", "pretrained", "input", "stride", "learning rate", "weight decay", "batch size", "augmentation"]
    wanted += ["loss", "class weights", "rare classes", "epochs", "precision", "workers"]
    assert set(wanted) <= decisions.keys()
    assert all(decision["why"] for decision in plan["decisions"])
    assert decisions["pretrained"]["value"] == "no"
    assert "lite0" not in plan["settings"]["model"]
    expected = plan["expected"]
    assert expected["timed_by"] == "onnxruntime"
    assert 10_000 < expected["file_bytes"] < 3_000_000
    assert 0 < expected["seconds"] < 600
    seen = plan["seen"]
    assert [one["class"] for one in seen["classes"]] == ["sky", "ground", "disc"]
    assert (seen["train_images"], seen["val_images"], seen["bands"], seen["type"]) == (12, 4, 3, "uint8")
    assert seen["up_and_down"] > 0.5 > seen["left_and_right"]
    assert any("4 validation images" in remark for remark in plan["remarks"])

    weighed = Weighed(expected["file_bytes"], expected["ms"], (64, 96), 1, "fp32", expected["parameters"])
    monkeypatch.setattr(choose, "weigh", lambda *arguments: weighed)  # was measured above
    code, out, _ = run(capsys, "plan", data, "--budget", "10m", "--pretrained", "never")
    assert code == 0
    for word in ("decision", "because", "latency", "thickness", "class decided", plan["settings"]["model"]):
        assert word in out


def test_train_plans_what_is_not_set_and_its_config_needs_no_planning(capsys, tmp_path: Path):
    data = folder(tmp_path / "data", 6, 3)
    run_folder = tmp_path / "run"
    flags = ("--epochs", 1, "--learning-rate", "0.004", "--pretrained", "never")
    code, _, err = run(capsys, "train", data, *flags, "--output", run_folder)
    assert code == 0, err
    assert "planned, since no network was named" in err
    assert "learning rate: 0.004 (you set it)" in err
    config = yaml.safe_load((run_folder / "config.yaml").read_text())
    assert (config["epochs"], config["learning_rate"]) == (1, 0.004)
    assert config["plan"]["decisions"]
    info = imexseg.load(run_folder / "best.safetensors").info
    assert info.training["plan"]["decisions"] == config["plan"]["decisions"]
    assert info.model == config["model"]

    code, _, err = run(capsys, "train", "--config", run_folder / "config.yaml", "--output", tmp_path / "again")
    assert code == 0, err
    assert "planned" not in err
    again = yaml.safe_load((tmp_path / "again/config.yaml").read_text())
    assert again == config
    first, second = (path / "best.safetensors" for path in (run_folder, tmp_path / "again"))
    assert first.read_bytes() == second.read_bytes()


def test_a_budget_is_planned_and_kept_with_a_network_that_was_named(capsys, tmp_path: Path):
    data = folder(tmp_path / "data", 8, 2, (48, 48))
    settings = tmp_path / "c.yaml"
    settings.write_text("network: {width: 4, n_steps: 1}\nbatch_size: 2\n")
    code, _, err = run(
        capsys,
        "train",
        data,
        "--model",
        "parabolic-lean",
        "--config",
        settings,
        "--budget",
        "15s",
        "--output",
        tmp_path / "run",
    )
    assert code == 0, err
    assert "network: parabolic-lean with width=4, n_steps=1 (you set it)" in err
    config = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
    assert config["budget"] is None  # a finished run is repeated by its paces
    assert config["epochs"] > 1


def test_limits_that_nothing_keeps_name_the_nearest(capsys, tmp_path: Path):
    data = folder(tmp_path / "data", 4, 2)
    before = files(tmp_path)
    code, _, err = run(capsys, "train", data, "--max-size", "2kB", "--epochs", 1, "--output", tmp_path / "run")
    assert code == 2
    (line,) = [line for line in err.splitlines() if line.startswith("imexseg:")]
    assert "--max-size 2kB: no network keeps it; the nearest is imex-residual-lean-photo-tiny" in line
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("1s", "too short"),
        ("0", "is not a time above 0"),
        ("tomorrow", "is not a time above 0"),
        ("-3m", "expected one argument"),
    ],
)
def test_budgets_that_cannot_be(budget: str, said: str, capsys, tmp_path: Path):
    data = folder(tmp_path / "data", 4, 2)
    before = files(tmp_path)
    code, _, err = run(capsys, "train", data, "--budget", budget, "--pretrained", "never", "--output", tmp_path / "run")
    assert code == 2
    assert said in err
    assert files(tmp_path) == before


def test_data_that_cannot_be_learnt_is_refused_in_one_line(capsys, tmp_path: Path):
    one = folder(tmp_path / "one", 3, 2)
    for path in (one / "masks").rglob("*.png"):
        Image.fromarray(np.ones((64, 96), np.uint8)).save(path)
    empty = folder(tmp_path / "empty", 3, 2)
    for path in (empty / "masks").rglob("*.png"):
        Image.fromarray(np.zeros((64, 96), np.uint8)).save(path)
    for data, said in ((one, "one class alone, 'ground'"), (empty, "no mask has any class but 0 (sky)")):
        code, _, err = run(capsys, "plan", data)
        assert code == 2
        (line,) = [line for line in err.splitlines() if line.startswith("imexseg:")]
        assert said in line


def test_a_class_that_only_validation_has_is_said(capsys, tmp_path: Path):
    data = folder(tmp_path / "data", 4, 2)
    for path in (data / "masks/train").glob("*.png"):
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask == 2, 0, mask).astype(np.uint8)).save(path)
    code, _, err = run(capsys, "train", data, "--epochs", 1, "--pretrained", "never", "--output", tmp_path / "run")
    assert code == 0
    assert "no pixel of 'disc' (class 2) in train, so it cannot be learnt" in err


@pytest.mark.parametrize("size", [(3, 5), (1, 1), (8, 300)])
def test_images_of_any_size_can_be_planned_and_trained(size: tuple[int, int], capsys, tmp_path: Path):
    data = folder(tmp_path / "data", 3, 1, size)
    for number, path in enumerate(sorted((data / "masks/train").glob("*.png"))):
        mask = np.full(size, number % 3, np.uint8)
        Image.fromarray(mask).save(path)
    code, _, err = run(capsys, "train", data, "--epochs", 1, "--pretrained", "never", "--output", tmp_path / "run")
    assert code == 0, err


def test_a_single_image_is_refused_as_train_always_did(capsys, tmp_path: Path):
    data = folder(tmp_path / "data", 1, 0)
    code, _, err = run(capsys, "plan", data)
    assert code == 2
    (line,) = [line for line in err.splitlines() if line.startswith("imexseg:")]
    assert "val" in line


def test_without_onnxruntime_it_says_what_was_assumed(capsys, tmp_path: Path, monkeypatch):
    def fails(*arguments):
        raise ImportError("no onnxruntime here")

    monkeypatch.setattr("imexseg.export.verify.session", fails)
    data = folder(tmp_path / "data", 4, 2)
    code, out, err = run(capsys, "plan", data, "--pretrained", "never", "--json")
    assert code == 0, err
    plan = json.loads(out)
    assert plan["expected"]["timed_by"] == "torch"
    assert any("no onnxruntime here" in remark for remark in plan["remarks"])


def test_limits_are_for_data(capsys):
    code, _, err = run(capsys, "train", "--budget", "5m")
    assert code == 2
    assert "--budget: is for a data set" in err


def planned(data: Path, budget: float, **given: object):
    limits = Limits(budget=budget, pretrained="never")
    return make_plan(look_at_data(data), given, limits, time.monotonic(), measure=False)


def test_time_that_training_has_no_use_for_goes_to_folds_where_validation_says_little(tmp_path: Path, monkeypatch):
    few = folder(tmp_path / "few", 8, 3, (32, 32))
    monkeypatch.setattr(rules, "SMALL_IMAGES", replace(rules.SMALL_IMAGES, most_passes=60))
    plan = planned(few, 600)
    assert rules.LEAST_FOLDS <= plan.settings["folds"] <= rules.MOST_FOLDS
    (said,) = [decision for decision in plan.decisions if decision.what == "folds"]
    assert "3 validation images" in said.why
    one = planned(few, 600, folds=None, epochs=plan.settings["epochs"])
    assert plan.expected["seconds_of_training"] > 2 * one.expected["seconds_of_training"]
    assert "folds" not in one.settings  # epochs were set: the time is the user's
    monkeypatch.setattr(rules, "FEW_VALIDATION", 3)
    assert "folds" not in planned(few, 600).settings


def test_folds_that_were_asked_for_share_the_budget(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(rules, "SMALL_IMAGES", replace(rules.SMALL_IMAGES, most_passes=10**6))
    data = folder(tmp_path / "data", 8, 3, (32, 32))
    alone, with_folds = (planned(data, 200, **given).settings for given in ({}, {"folds": 4}))
    assert with_folds["epochs"] * (with_folds["images_per_epoch"] or 8) < 0.6 * alone["epochs"] * (
        alone["images_per_epoch"] or 8
    )


def turn_half(data: Path) -> None:
    """Of the training masks each second one becomes the one before it, upside down."""
    paths = sorted((data / "masks/train").glob("*.png"))
    for upright, turned in zip(paths[::2], paths[1::2], strict=True):
        Image.fromarray(np.array(Image.open(upright))[::-1].copy()).save(turned)


@pytest.mark.parametrize(
    ("epochs", "upright", "wanted"),
    [(3, True, rules.MIRRORED), (3, False, rules.MIRRORED_BOTH_WAYS), (40, True, "light"), (40, False, rules.TURNED)],
)
def test_augmentation_by_passes_and_by_up_and_down(epochs: int, upright: bool, wanted: object, tmp_path: Path):
    data = folder(tmp_path / "data", 6, 2, (100, 128))
    if not upright:
        turn_half(data)
    model = {"model": "imex-residual-lean-photo-tiny", "long_side": None, "network": {"width": [4], "n_steps": [1]}}
    assert planned(data, 600, epochs=epochs, **model).settings["augmentation"] == wanted


def test_small_images_with_an_up_and_a_down_are_not_turned(tmp_path: Path):
    data = folder(tmp_path / "data", 6, 2, (32, 40))
    small = {"model": "imex-lean", "long_side": None, "network": {"width": [4], "n_steps": [1]}, "epochs": 40}
    assert planned(data, 600, **small).settings["augmentation"] == "light"
    turn_half(data)
    assert planned(data, 600, **small).settings["augmentation"] == "symmetries"
