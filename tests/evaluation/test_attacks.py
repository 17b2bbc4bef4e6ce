"""Attacks and noise: what they may change, what they reach, and how the command line says so."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from imexseg.cli import main as command_line
from imexseg.data_gen import QTips
from imexseg.evaluation.attacks import fgsm, pgd, segmentation_loss
from imexseg.evaluation.robustness import Perturbation
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions
from imexseg.models.artefact import load
from imexseg.models.checksum import sealed
from imexseg.models.weights import find_weights


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """The shipped network, which is right on nearly every pixel: an attack has something to lose."""
    return load(find_weights("qtips"))


@pytest.fixture(scope="module")
def batch() -> tuple[Tensor, Tensor]:
    images, masks = zip(*(QTips("authors", size=32, split="test")[i] for i in range(4)), strict=True)
    return torch.from_numpy(np.stack(images)).float()[:, None], torch.from_numpy(np.stack(masks)).long()


def attacked(name: str, network: nn.Module, images: Tensor, masks: Tensor, epsilon: float) -> Tensor:
    if name == "fgsm":
        return fgsm(network, images, masks, epsilon)
    start = 2 * torch.rand(images.shape, generator=torch.Generator().manual_seed(0)) - 1
    return pgd(network, images, masks, epsilon, start=start)


def loss(network: nn.Module, images: Tensor, masks: Tensor) -> Tensor:
    with torch.no_grad():
        return segmentation_loss(network(images), masks)


@pytest.mark.parametrize("name", ["fgsm", "pgd"])
def test_an_attack_stays_within_epsilon_and_range_and_raises_the_loss(name: str, network, batch):
    images, masks = batch
    images = images.clone()
    images[0, :, :4], images[1, :, :4] = 0, 255  # at the edges of the range
    before = [parameter.clone() for parameter in network.parameters()]
    found = attacked(name, network, images, masks, 8.0)
    assert (found - images).abs().max() <= 8.0
    assert (found - images).abs().max() > 4.0
    assert found.min() >= 0
    assert found.max() <= 255
    assert (loss(network, found, masks) > loss(network, images, masks)).all()
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert torch.equal(attacked(name, network, images, masks, 0.0), images)


def test_pgd_is_at_least_as_strong_as_fgsm(network, batch):
    images, masks = batch
    for epsilon in (2.0, 8.0):
        one, many = (loss(network, attacked(name, network, images, masks, epsilon), masks) for name in ("fgsm", "pgd"))
        assert (many >= one).all()
    assert many.sum() > 1.1 * one.sum()  # at the larger epsilon, where a straight line no longer describes the loss


def test_ignored_pixels_have_no_say(network, batch):
    images, masks = batch
    everything = torch.full_like(masks, 255)
    assert torch.equal(fgsm(network, images, everything, 8.0), images)
    half = masks.clone()
    half[:, 16:] = 255
    assert not torch.equal(fgsm(network, images, half, 8.0), fgsm(network, images, masks, 8.0))


def test_noise_has_the_size_asked_for_and_belongs_to_the_image_not_to_its_batch(network, batch):
    _, masks = batch
    grey = torch.full((4, 1, 32, 32), 128.0)
    noise = Perturbation(network.info, noise=0.05, seed=3)
    found = noise.perturb(grey, masks)
    assert (found - grey).std().item() == pytest.approx(0.05 * 255, rel=0.05)
    assert torch.equal(noise.perturb(grey[2:], masks[2:], first=2), found[2:])
    assert not torch.equal(found[0], found[1])
    assert not torch.equal(Perturbation(network.info, noise=0.05, seed=4).perturb(grey, masks), found)
    loud = Perturbation(network.info, noise=1.0).perturb(grey, masks)
    assert (loud.min(), loud.max()) == (0, 255)


def test_float_images_beyond_the_range_are_not_cut_off(network):
    info = network.info.model_copy(update={"full_scale": 1.0})
    image = torch.linspace(-2, 3, 64).view(1, 1, 8, 8)
    found = Perturbation(info, noise=1e-6).perturb(image, torch.zeros(1, 8, 8, dtype=torch.long))
    torch.testing.assert_close(found, image, atol=1e-4, rtol=0)


@pytest.fixture
def evaluated(trained_run: Path, qtips_folder: Path, capsys):
    def run(*options: object) -> dict:
        code = command_line.main(["evaluate", str(trained_run), str(qtips_folder), "--json", *map(str, options)])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return json.loads(captured.out)

    return run


def test_evaluate_carries_the_setting_and_nothing_changes_at_zero(evaluated):
    plain = evaluated()
    assert "perturbation" not in plain
    for options, setting in {
        ("--noise", 0): {"noise": 0, "seed": 0},
        ("--attack", "fgsm", "--epsilon", 0): {"attack": "fgsm", "epsilon": 0},
        ("--attack", "pgd", "--epsilon", 0, "--attack-steps", 3): {
            "attack": "pgd",
            "epsilon": 0,
            "steps": 3,
            "seed": 0,
        },
    }.items():
        found = evaluated(*options)
        assert found.pop("perturbation") == setting
        assert found == plain
    noisy = evaluated("--noise", 0.5, "--seed", 1)
    assert noisy["perturbation"] == {"noise": 0.5, "seed": 1}
    assert noisy["confusion"] != plain["confusion"]
    assert evaluated("--noise", 0.5, "--seed", 1) == noisy
    assert evaluated("--attack", "pgd", "--epsilon", 0.1)["accuracy"] < plain["accuracy"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--attack", "pgd"], "--attack pgd: needs --epsilon"),
        (["--epsilon", "0.1"], "--epsilon: sets the strength of an attack"),
        (["--attack", "fgsm", "--epsilon", "0.1", "--attack-steps", "3"], "--attack-steps: only pgd takes steps"),
        (["--attack", "fgsm", "--epsilon", "0.1", "--noise", "0.1"], "--noise and --attack: give only one of them"),
        (["--noise", "8"], "8 is out of range; give 0 to 1"),
        (["--noise", "nan"], "nan is out of range; give 0 to 1"),
        (["--attack", "deepfool"], "invalid choice: 'deepfool'"),
    ],
)
def test_options_that_do_not_belong_together_are_refused(options: list[str], message: str, qtips_folder: Path, capsys):
    assert command_line.main(["evaluate", "qtips", str(qtips_folder), *options]) == 2
    assert message in capsys.readouterr().err


def test_an_exported_network_cannot_be_attacked(qtips_folder: Path, tmp_path: Path, capsys):
    model = build(load(find_weights("qtips")), ExportOptions(size=(64, 64)))
    (tmp_path / "w.onnx").write_bytes(sealed(model.SerializeToString()))
    options = [str(tmp_path / "w.onnx"), str(qtips_folder), "--attack", "fgsm", "--epsilon", "0.1"]
    assert command_line.main(["evaluate", *options]) == 2
    assert "has no gradients to attack with" in capsys.readouterr().err
