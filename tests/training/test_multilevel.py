"""Coarse to fine: kernels survive the way down and up, levels that cannot be are refused, a run goes through all of them."""

from pathlib import Path

import pytest
import torch

import imexseg
from imexseg.errors import UsageError
from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.solve_modes import solves
from imexseg.layers.time_series import time_smoothness
from imexseg.models.build import model_config
from imexseg.models.network import SegmentationNetwork
from imexseg.models.prolongation import to_coarser_grid, to_finer_grid, to_finer_time
from imexseg.models.registry import network_config
from imexseg.training.config import RunConfig
from imexseg.training.multilevel import check_levels
from imexseg.training.restriction import restrict_batch
from imexseg.training.task import smoothness_in_time

PLAIN = {"in_channels": 1, "num_classes": 4, "mean": (128.0,), "std": (60.0,)}


def small(name: str, **settings: object) -> SegmentationNetwork:
    torch.manual_seed(0)
    return SegmentationNetwork(network_config(name, **PLAIN | {"width": 6, "n_steps": 4} | settings)).eval()


@pytest.mark.parametrize("boundary", ["periodic", "reflect", "zero"])
@pytest.mark.parametrize("name", [*(f"{dynamics}-lean" for dynamics in DYNAMICS), "imex-dense", "imex-separable"])
def test_down_and_up_again_gives_back_every_kernel(name: str, boundary: str):
    network = small(name, boundary=boundary, stride=1)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    image = 255 * torch.rand(1, 1, 16, 16)
    with torch.no_grad():
        expected = network(image)
        to_coarser_grid(network)
        assert not torch.allclose(network(image), expected, atol=1e-3)  # other kernels, for another grid
        to_finer_grid(network)
        torch.testing.assert_close(network(image), expected, atol=1e-3, rtol=1e-3)
    for key, value in network.state_dict().items():
        if "solve" not in key:  # a stencil of L is fixed up to its mean and sign
            torch.testing.assert_close(value, before[key], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("boundary", ["periodic", "reflect", "zero"])
def test_decay_lengths_keep_their_size_in_the_image(boundary: str):
    network = small("imex-lean", boundary=boundary)
    before = torch.stack([solve.decay_lengths().detach() for solve in solves(network)])
    to_finer_grid(network)
    ratio = torch.stack([solve.decay_lengths().detach() for solve in solves(network)]) / before
    assert ratio.median() == pytest.approx(2, rel=0.1)  # in points of a grid twice as fine


@pytest.mark.parametrize("name", ["parabolic-lean", "imex-lean", "hamiltonian-imex-lean", "second-order-lean"])
def test_half_the_steps_of_twice_the_size_become_all_steps(name: str):
    fine_config = network_config(name, **PLAIN, width=6, n_steps=4, step_size=0.25)
    coarse_config = fine_config.with_longer_steps(1)
    assert (coarse_config.n_steps, coarse_config.step_size) == ((2,), (0.5,))
    coarse, fine = SegmentationNetwork(coarse_config).eval(), SegmentationNetwork(fine_config).eval()
    to_finer_time(coarse, fine)
    image = 255 * torch.rand(1, 1, 24, 24)
    with torch.no_grad():
        near = (coarse(image) - fine(image)).norm() / coarse(image).norm()
        fresh = SegmentationNetwork(fine_config).eval()
        far = (coarse(image) - fresh(image)).norm() / coarse(image).norm()
    assert near < 0.9 * far


def test_steps_that_cannot_be_halved_are_refused():
    with pytest.raises(UsageError, match="n_steps 6 cannot be halved 2 times"):
        network_config("imex-lean", **PLAIN, n_steps=6).with_longer_steps(2)


def test_steps_behind_the_pyramid_are_the_same_on_every_level():
    fine = network_config("imex-residual-lean-photo-m", **PLAIN)
    assert fine.refinement.n_steps == 2
    assert fine.with_longer_steps(1).refinement == fine.refinement


@pytest.mark.parametrize(
    ("settings", "sizes", "message"),
    [
        ({"levels": 5}, [(16, 16)], "would shrink images of 16 px to 1 px.*use --levels 4 or less"),
        ({"levels": 3, "model": "imex-lean-s"}, [(64, 96), (64, 64)], "use --levels 2 or less"),
        ({"levels": 2, "model": "smp:Unet:resnet18"}, [(64, 64)], "no kernels that can be prolongated"),
        ({"levels": 3, "level_steps": True, "network": {"n_steps": 6}}, [(64, 64)], "cannot be halved 2 times"),
    ],
)
def test_levels_that_cannot_be_are_refused(settings: dict, sizes: list, message: str):
    config = RunConfig(**settings)
    with pytest.raises(UsageError, match=message):
        check_levels(config, model_config(config.model, **config.network, **PLAIN), sizes)


def test_restriction_averages_images_and_keeps_classes():
    images = torch.arange(16.0).view(1, 1, 4, 4)
    masks = torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 255, 255], [2, 2, 255, 255]]])
    small_images, small_masks = restrict_batch(images, masks)
    torch.testing.assert_close(small_images, torch.tensor([[[[2.5, 4.5], [10.5, 12.5]]]]))
    assert small_masks.tolist() == [[[0, 1], [2, 255]]]


def test_smoothness_in_time_is_least_for_equal_steps_and_pulls_others_together():
    network = small("imex-lean")
    steps = network.get_submodule("backbone.stages.0.steps")
    before = float(time_smoothness(steps, 1.0))
    assert before > 0
    assert float(smoothness_in_time(network)) == pytest.approx(before)
    loss = smoothness_in_time(network)
    assert isinstance(loss, torch.Tensor)
    loss.backward()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.grad is not None:
                parameter -= 0.1 * parameter.grad
    assert float(smoothness_in_time(network)) < before
    first = steps[0].state_dict()
    for step in steps:
        step.load_state_dict(first)
    kernels = sum(p.numel() for p in steps[0].parameters() if p.ndim > 1)
    assert float(smoothness_in_time(network)) == pytest.approx(3 * kernels * 1e-3**0.5, rel=1e-4)  # the least there is


def test_a_run_goes_through_all_levels_and_resumes(qtips_folder: Path, tmp_path: Path, imexseg_cli):
    options = (
        "--levels",
        2,
        "--time-smoothness",
        1e-4,
        "--epochs",
        1,
        "--batch-size",
        4,
        "--model",
        "hamiltonian-imex-lean",
    )
    done = imexseg_cli("train", qtips_folder, *options, "--output", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/level-1/metrics.csv").exists()
    assert imexseg.load(tmp_path / "run/best.safetensors").info.training["levels"] == 2
    expected = (tmp_path / "run/best.safetensors").read_bytes()
    for path in ("best.safetensors", "last.ckpt", "metrics.csv", "report.html"):
        (tmp_path / "run" / path).unlink()
    resumed = imexseg_cli("train", "--resume", tmp_path / "run")
    assert resumed.returncode == 0, resumed.stderr
    assert (tmp_path / "run/best.safetensors").read_bytes() == expected
