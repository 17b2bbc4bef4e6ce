"""How sure a network is: measured at the end of training, kept in the weights, written by predict, scored by evaluate."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import imexseg
from imexseg.cli import main as command_line
from imexseg.data.read.images import read_image
from imexseg.data.read.tensors import image_to_tensor
from imexseg.inference.predictor import Predictor
from imexseg.inference.tiling import TiledPredictor
from imexseg.models.artefact import load, save_weights

Capture = pytest.CaptureFixture[str]


def run(*arguments: object) -> int:
    return command_line.main([*map(str, arguments)])


@pytest.fixture(scope="module")
def weights(trained_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of the run with a temperature that is far from 1."""
    network = load(trained_run / "best.safetensors")
    path = tmp_path_factory.mktemp("weights") / "warm.safetensors"
    save_weights(path, network, network.info.model_copy(update={"temperature": 3.0}))
    return path


def noise(folder: Path, size: tuple[int, int] = (50, 70)) -> Path:
    """One image, in which some pixels are transparent."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(6)
    alpha = np.full(size, 255, np.uint8)
    alpha[:5, :9] = 0
    Image.fromarray(np.dstack([random.integers(0, 256, size, dtype=np.uint8), alpha]), "LA").save(folder / "a.png")
    return folder / "a.png"


def expected_grey(weights: Path, image: Path, tile: bool) -> np.ndarray:
    """By torch, in double precision; of tiles from their blended probabilities."""
    network = imexseg.load(weights)
    if tile:
        blended = TiledPredictor(Predictor(network), 64).predict(read_image(image)).probabilities
        return torch.from_numpy(blended).double().log().div(3.0).softmax(0).max(0).values.numpy() * 255
    with torch.inference_mode():
        logits = network(image_to_tensor(read_image(image))[None])[0].double()
    return (logits / network.info.temperature).softmax(0).max(0).values.numpy() * 255


@pytest.mark.parametrize("options", [[], ["--tile", 64], ["--probabilities"]], ids=["whole", "tiled", "both"])
def test_confidence_is_that_of_the_calibrated_network(options: list, weights: Path, tmp_path: Path, capsys: Capture):
    image, out = noise(tmp_path / "in"), tmp_path / "out"
    assert run("predict", image, "--weights", weights, "--output", out, "--confidence", *options) == 0
    assert "calibrated with the temperature 3" in capsys.readouterr().err
    with Image.open(out / "a_confidence.png") as picture:
        assert picture.mode == "L"
        grey = np.asarray(picture).astype(int)
    assert (grey[:5, :9] == 0).all()
    known = np.ones(grey.shape, bool)
    known[:5, :9] = False
    assert np.abs(grey - expected_grey(weights, image, "--tile" in options))[known].max() <= 0.51
    assert (out / "a_probabilities.npz").exists() == ("--probabilities" in options)


def test_both_engines_and_masks_without_it_agree(weights: Path, tmp_path: Path, capsys: Capture):
    image, exported = noise(tmp_path / "in"), tmp_path / "warm.onnx"
    assert run("export", weights, "--dynamic", "--probabilities", "--output", exported) == 0
    for name, arguments in {
        "torch": [weights, "--confidence"],
        "onnx": [exported, "--confidence"],
        "plain": [weights],
    }.items():
        assert run("predict", image, "--output", tmp_path / name, "--weights", *arguments) == 0
    found = {name: np.asarray(Image.open(tmp_path / name / "a_confidence.png")) for name in ("torch", "onnx")}
    assert np.abs(found["torch"].astype(int) - found["onnx"]).max() <= 1
    assert len({(tmp_path / name / "a_mask.png").read_bytes() for name in ("torch", "onnx", "plain")}) == 1
    assert not (tmp_path / "plain/a_confidence.png").exists()
    capsys.readouterr()
    assert run("export", weights, "--dynamic", "--output", tmp_path / "classes.onnx") == 0
    bare = ["predict", image, "--weights", tmp_path / "classes.onnx", "--output", tmp_path / "none"]
    assert run(*bare, "--confidence") == 2
    assert "gives classes without probabilities; export it again with --probabilities" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_what_lacks_a_confidence_is_done_again(weights: Path, tmp_path: Path):
    image, out = noise(tmp_path / "in"), tmp_path / "out"
    for tile in ([], ["--tile", 64]):
        command = ["predict", image, "--weights", weights, "--output", out, "--skip-existing", *tile]
        assert run(*command) == 0
        assert run(*command, "--confidence") == 0
        before = (out / "a_confidence.png").stat().st_mtime_ns
        assert run(*command, "--confidence") == 0
        assert (out / "a_confidence.png").stat().st_mtime_ns == before
        (out / "a_confidence.png").unlink()
    assert run("predict", out, "--weights", weights, "--output", out) == 2  # no result is an image


def test_training_ends_with_a_temperature_that_lowers_the_error(
    trained_run: Path, qtips_folder: Path, tmp_path: Path, capsys: Capture
):
    network = load(trained_run / "best.safetensors")
    assert network.info.temperature is not None
    assert network.info.temperature != 1
    save_weights(tmp_path / "old.safetensors", network, network.info.model_copy(update={"temperature": None}))
    errors = []
    for path in (trained_run / "best.safetensors", tmp_path / "old.safetensors"):
        assert run("evaluate", path, qtips_folder, "--json") == 0
        found = json.loads(capsys.readouterr().out)
        errors.append((found["ece"], found["temperature"]))
    assert errors[0][1] == network.info.temperature
    assert errors[1][1] == 1.0
    assert errors[0][0] < errors[1][0]
    assert run("evaluate", tmp_path / "old.safetensors", qtips_folder) == 0
    assert "not calibrated: these weights hold no temperature, 1 was taken" in capsys.readouterr().out
