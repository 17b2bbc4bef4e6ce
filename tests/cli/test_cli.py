"""The command line as a user runs it, with every mistake a user makes."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from processes import run_as_typed

from imexseg.cli import main as command_line
from imexseg.cli.inputs import Input, unique_stems
from imexseg.data.read.mask_files import read_mask
from imexseg.data_gen import CLASS_NAMES
from imexseg.models.catalogue import NETWORKS


@pytest.fixture
def imexseg(capsys: pytest.CaptureFixture[str]):
    """The command line in this process, for what needs no process of its own: returns (exit code, stdout, stderr)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = command_line.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return run


def test_from_nothing_to_masks_with_the_commands_of_the_readme(imexseg_cli, tmp_path: Path):
    """generate → train → evaluate → predict, in processes of their own, as typed."""
    inside = {"cwd": tmp_path}
    steps = [
        ("generate", "qtips", "data", "--size", 32, "--train", 8, "--val", 4, "--test", 2),
        ("train", "data", "--epochs", 1, "--output", "run", "--model", "parabolic-lean"),
        ("evaluate", "run", "data", "--split", "test"),
        ("predict", "data/images/test", "--weights", "run/best.safetensors", "--output", "out"),
    ]
    for step in steps:
        done = imexseg_cli(*step, **inside)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    assert (tmp_path / "run/report.html").stat().st_size > 10_000
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"{stem}_{kind}.png" for stem in ("000000", "000001") for kind in ("mask", "overlay")
    ]


def test_train_without_arguments_generates_its_data(imexseg_cli, tmp_path: Path):
    (tmp_path / "c.yaml").write_text("qtips: {train: 8, val: 2, test: 1, size: 32}\nepochs: 1\n")
    done = imexseg_cli("train", "--config", "c.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith("imex-lean-")
    assert len(list((run / "data/images/train").iterdir())) == 8
    assert f"runs/{run.name}/report.html" in done.stderr


def test_evaluate_prints_one_json_object(imexseg, trained_run: Path, qtips_folder: Path):
    code, out, _ = imexseg("evaluate", trained_run / "best.safetensors", qtips_folder / "data.yaml", "--json")
    assert code == 0
    scores = json.loads(out)
    assert set(scores) == {"miou", "iou", "dice", "accuracy", "confusion", "images", "parameters", "ece", "temperature"}
    assert tuple(scores["iou"]) == tuple(scores["dice"]) == CLASS_NAMES
    assert scores["images"] == 5
    assert np.sum(scores["confusion"]) == 5 * 32 * 32
    code, out, _ = imexseg("evaluate", trained_run, qtips_folder, "--split", "test")
    assert code == 0
    assert "mean of those present" in out


def test_models_lists_every_network(imexseg):
    code, out, _ = imexseg("models", "--json")
    assert code == 0
    listing = json.loads(out)
    rows = listing["networks"]
    assert [row["name"] for row in rows] == list(NETWORKS)
    assert list(listing["axes"]) == ["dynamics", "operator", "boundary", "norm", "form"]
    assert all(row["equation"] and row["operator"] and row["parameters"] and row["field_of_view"] for row in rows)
    code, out, _ = imexseg("models")
    assert all(name in out for name in NETWORKS)
    assert all(choice["name"] in out for choices in listing["axes"].values() for choice in choices)


def test_predict_takes_every_kind_of_image_at_its_own_size(imexseg, trained_run: Path, tmp_path: Path):
    random = np.random.default_rng(0)
    colour = random.integers(0, 256, (37, 53, 3)).astype(np.uint8)
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(colour).save(folder / "rgb.png")
    Image.fromarray(colour).convert("RGBA").save(folder / "rgba.png")
    Image.fromarray(colour).convert("P").save(folder / "palette.png")
    Image.fromarray(colour[..., 0]).save(folder / "grey.bmp")
    Image.fromarray(colour[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(colour).save(folder / "turned.jpg", exif=exif)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    out = tmp_path / "out"
    code, _, err = imexseg(
        "predict", folder, "--weights", trained_run / "best.safetensors", "--output", out, "--probabilities"
    )
    assert code == 0, err
    for path in folder.iterdir():
        size = (53, 37) if path.stem == "turned" else (37, 53)
        mask = read_mask(out / f"{path.stem}_mask.png")
        assert mask.shape == size
        assert mask.max() <= 3
        assert np.array(Image.open(out / f"{path.stem}_overlay.png")).shape == (*size, 3)
        stored = np.load(out / f"{path.stem}_probabilities.npz", allow_pickle=False)
        assert stored["probabilities"].shape == (4, *size)
        assert np.array_equal(stored["probabilities"].argmax(0), mask)
        np.testing.assert_allclose(stored["probabilities"].sum(0), 1, rtol=1e-5)
    assert np.array_equal(read_mask(out / "deep_mask.png"), read_mask(out / "grey_mask.png"))
    assert before == {path: path.read_bytes() for path in folder.iterdir()}


def test_predict_goes_on_after_a_bad_file_and_names_it(imexseg, qtips_folder: Path, trained_run: Path, tmp_path: Path):
    good = qtips_folder / "images/val/000000.png"
    (tmp_path / "bad.png").write_bytes(good.read_bytes()[:80])
    code, _, err = imexseg(
        "predict",
        tmp_path / "bad.png",
        tmp_path / "gone.png",
        good,
        "--weights",
        trained_run,
        "--output",
        tmp_path / "out",
    )
    assert code == 1
    assert f"{tmp_path}/bad.png: is truncated" in err
    assert f"{tmp_path}/gone.png: no such file" in err
    assert "2 of 3 images failed" in err
    assert (tmp_path / "out/000000_mask.png").exists()


def test_predict_takes_globs_and_keeps_names_apart(imexseg, qtips_folder: Path, trained_run: Path, tmp_path: Path):
    pattern = qtips_folder / "images/*/000000.png"
    code, _, _ = imexseg("predict", pattern, "--weights", trained_run, "--output", tmp_path)
    assert code == 0
    assert len(list(tmp_path.glob("*_mask.png"))) == 3
    assert unique_stems([Input(Path(name)) for name in ("a/x.png", "a/x.jpg", "b/x.png")]) == ["x", "x_jpg", "x_png"]


def test_predict_without_weights_uses_the_shipped_ones(imexseg, qtips_folder: Path, tmp_path: Path, monkeypatch):
    image = qtips_folder / "images/test/000000.png"
    (tmp_path / "qtips").mkdir()  # a folder of the same name as the weights
    monkeypatch.chdir(tmp_path)
    code, _, err = imexseg("predict", image, "--output", tmp_path)
    assert code == 0, err
    truth, found = read_mask(qtips_folder / "masks/test/000000.png"), read_mask(tmp_path / "000000_mask.png")
    assert np.mean((truth > 0) == (found > 0)) > 0.95


MISTAKES = {
    "no verb": ([], 2, "usage"),
    "unknown verb": (["tarin"], 2, "invalid choice"),
    "no such data": (["train", "{tmp}/nowhere"], 2, "nowhere: no such folder or file"),
    "an empty folder": (["train", "{tmp}"], 2, "data.yaml: not found"),
    "unknown model": (["train", "--model", "imex-leen"], 2, "did you mean 'imex-lean'"),
    "an unknown dynamics": (["train", "--network", "dynamics=imexx"], 2, "did you mean 'imex'"),
    "an unknown setting": (["train", "--network", "widht=8"], 2, "unknown key 'widht'; did you mean 'width'"),
    "no value for a setting": (["train", "--network", "width"], 2, "'width' is not KEY=VALUE"),
    "smoothness without steps": (
        ["train", "{data}", "--model", "smp:Unet:resnet18", "--time-smoothness", "1e-4", "--output", "{tmp}/o"],
        2,
        "has no steps whose kernels could be compared",
    ),
    "zero epochs": (["train", "--epochs", "0"], 2, "0 is not positive"),
    "negative batch": (["train", "--batch-size", "-4"], 2, "-4 is not positive"),
    "words for numbers": (["train", "--epochs", "many"], 2, "'many' is not a whole number"),
    "no learning rate": (["train", "--learning-rate", "nan"], 2, "nan is not positive"),
    "negative seed": (["train", "--seed", "-1"], 2, "-1 is out of range"),
    "no config": (["train", "--config", "{tmp}/c.yaml"], 2, "c.yaml: no such file"),
    "nothing to resume": (["train", "--resume", "{tmp}"], 2, "config.yaml: not found"),
    "resume and more": (["train", "--resume", "{run}", "--seed", "9"], 2, "--seed: cannot be combined with --resume"),
    "a taken folder": (["train", "{data}", "--output", "{run}"], 2, "exists and is not empty"),
    "batch and devices": (
        ["train", "{data}", "--batch-size", "3", "--devices", "2", "--output", "{tmp}/o"],
        2,
        "multiple",
    ),
    "no weights": (["evaluate", "{tmp}/w.safetensors", "{data}"], 2, "no such weights file"),
    "a folder for weights": (["evaluate", "{data}", "{data}"], 2, "has no best.safetensors"),
    "a picture for weights": (["evaluate", "{data}/images/val/000000.png", "{data}"], 2, "not a readable .safetensors"),
    "a split that is not there": (["evaluate", "{run}", "{data}", "--split", "dev"], 2, "invalid choice: 'dev'"),
    "a network that cannot be": (
        ["train", "--config", "{configs}/network.yaml"],
        2,
        "stride: Input should be 1, 2, 4 or 8, got 3",
    ),
    "an unknown key": (["train", "--config", "{configs}/key.yaml"], 2, "unknown key 'epoch'; did you mean 'epochs'"),
    "nothing matches": (["predict", "{tmp}/*.png", "--weights", "{run}"], 2, "no file matches"),
    "no images in a folder": (["predict", "{tmp}", "--weights", "{run}"], 2, "no images in this folder"),
    "a size out of range": (["generate", "qtips", "{tmp}/o", "--size", "31"], 2, "size must be 32 to 1024"),
    "unknown preset": (["generate", "qtips", "{tmp}/o", "--preset", "x"], 2, "invalid choice: 'x'"),
    "a file in the way": (["generate", "qtips", "{data}"], 2, "exists and is not empty"),
    "a file for a folder": (["generate", "qtips", "{data}/data.yaml/o"], 1, "choose another place"),
    "output in a file": (
        ["predict", "{data}/images/val/000000.png", "--weights", "{run}", "--output", "{data}/data.yaml"],
        1,
        "cannot be written",
    ),
}


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("configs")
    (folder / "network.yaml").write_text("network: {stride: 3}")
    (folder / "key.yaml").write_text("epoch: 3")
    return folder


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_get_one_clear_line(
    mistake: str, imexseg, qtips_folder: Path, trained_run: Path, tmp_path: Path, configs: Path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    arguments, expected, message = MISTAKES[mistake]
    places = {"tmp": tmp_path, "data": qtips_folder, "run": trained_run, "configs": configs}
    code, out, err = imexseg(*(argument.format(**places) for argument in arguments))
    assert code == expected
    assert message in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []  # nothing half-written


def test_bad_masks_are_refused_before_the_first_epoch(imexseg, qtips_folder: Path, tmp_path: Path):
    data = tmp_path / "data"
    shutil.copytree(qtips_folder, data)
    Image.fromarray(np.full((32, 32), 9, np.uint8)).save(data / "masks/train/000003.png")
    (data / "images/train/000004.png").write_bytes(b"")
    code, _, err = imexseg("train", data, "--output", tmp_path / "run")
    assert code == 2
    assert "masks/train/000003.png: has the values 9" in err
    assert "images/train/000004.png: is empty" in err
    assert not (tmp_path / "run").exists()


def test_classes_that_differ_are_refused(imexseg, qtips_folder: Path, trained_run: Path, tmp_path: Path):
    shutil.copytree(qtips_folder, tmp_path / "data")
    (tmp_path / "data/data.yaml").write_text("names: [a, b, c, d]")
    code, _, err = imexseg("evaluate", trained_run, tmp_path / "data")
    assert code == 2
    assert "its classes are a, b, c, d, but those of the weights are background" in err


def test_a_full_disk_is_one_line_and_leaves_no_half_file(
    imexseg, qtips_folder: Path, trained_run: Path, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    image = qtips_folder / "images/val/000000.png"
    code, _, err = imexseg("predict", image, "--weights", trained_run, "--output", tmp_path / "out")
    assert code == 1
    assert "000000_mask.png: cannot be written (No space left on device)" in err
    assert list((tmp_path / "out").iterdir()) == []


def test_the_version_is_told():
    done = run_as_typed("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("imexseg ")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("--levels", 6), "use --levels 5 or less"),
        (("--model", "smp:PAN:resnet18", "--crop", 32), "cannot take images of 32 x 32 px"),
        (("--long-side", 8), "long_side"),
    ],
)
def test_what_does_not_go_with_the_images_is_said_before_anything_is_written(
    capsys: pytest.CaptureFixture[str], qtips_folder: Path, tmp_path: Path, settings: tuple, said: str
):
    assert command_line.main(["train", str(qtips_folder), "--output", str(tmp_path / "run"), *map(str, settings)]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "run").exists()


def test_images_of_any_size_are_seen_at_the_scale_of_the_training(
    capsys: pytest.CaptureFixture[str], qtips_folder: Path, tmp_path: Path
):
    def imexseg(*arguments: object) -> int:
        return command_line.main([str(argument) for argument in arguments])

    run, image = tmp_path / "run", tmp_path / "wide.png"
    (tmp_path / "small.yaml").write_text("network: {width: 4, n_steps: 1}\n")
    settings = ("--config", tmp_path / "small.yaml", "--long-side", 48, "--epochs", 1, "--output", run)
    assert imexseg("train", qtips_folder, *settings) == 0
    Image.new("L", (100, 60), 90).save(image)
    assert imexseg("predict", image, "--weights", run, "--output", tmp_path / "masks") == 0
    assert Image.open(tmp_path / "masks" / "wide_mask.png").size == (100, 60)
    capsys.readouterr()
    assert imexseg("predict", image, "--weights", run, "--output", tmp_path / "masks", "--tile", 64) == 2
    assert "scaled to 48 px; leave out --tile" in " ".join(capsys.readouterr().err.split())
    assert imexseg("export", run, "--dynamic", "--output", tmp_path / "x.onnx") == 0
    assert imexseg("predict", image, "--weights", tmp_path / "x.onnx", "--output", tmp_path / "same") == 0
    assert (tmp_path / "same" / "wide_mask.png").read_bytes() == (tmp_path / "masks" / "wide_mask.png").read_bytes()


def test_square_brackets_in_messages_are_not_taken_for_markup(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert command_line.main(["models"]) == 0
    assert "pip install 'imexseg[lite0]'" in capsys.readouterr().out
    assert command_line.main(["predict", str(tmp_path / "a[b].png")]) == 2
    assert "a[b].png" in capsys.readouterr().err
