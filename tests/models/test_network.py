"""Networks: every registered one keeps the contract of a segmentation network."""

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from imexseg.errors import UsageError
from imexseg.layers.dynamics import DYNAMICS
from imexseg.models.network import SegmentationNetwork
from imexseg.models.registry import DEFAULT_MODEL, NETWORKS, count_parameters, field_of_view, network_config, summarise

every_network = pytest.mark.parametrize("name", NETWORKS)
SMALL = {"width": 8, "n_steps": 2}


def build(name: str, **settings) -> SegmentationNetwork:
    torch.manual_seed(0)
    return SegmentationNetwork(network_config(name, **SMALL | settings)).eval()


@every_network
@pytest.mark.parametrize("size", [(1, 1), (31, 47), (64, 40)])
def test_any_size_and_number_of_channels_and_classes(name: str, size: tuple[int, int]):
    network = build(name, in_channels=5, num_classes=7, mean=(1.0,) * 5, std=(2.0,) * 5)
    logits = network(255 * torch.rand(2, 5, *size))
    assert logits.shape == (2, 7, *size)
    assert torch.isfinite(logits).all()


@every_network
def test_one_batch_can_be_overfitted(name: str):
    torch.manual_seed(1)
    network = SegmentationNetwork(network_config(name, width=16, n_steps=2, num_classes=3)).train()
    image = torch.randn(2, 1, 16, 16)
    truth = (image[:, 0] > 0).long() + (image[:, 0] > 1).long()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-2)
    for _ in range(150):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(image), truth)
        loss.backward()
        optimizer.step()
    assert (network(image).argmax(1) == truth).float().mean() > 0.97


@every_network
def test_every_parameter_gets_a_gradient_and_every_norm_is_used_once(name: str):
    network = build(name).train()
    network(torch.randn(2, 1, 16, 16)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    counts = {int(m.num_batches_tracked) for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert counts == {1}


@every_network
def test_field_of_view_is_what_the_gradient_says(name: str):
    network = build(name).double()
    expected = field_of_view(network.config)
    size = 96 if expected is None else expected + 32
    image = torch.randn(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    rows = []
    # The extent depends on where the pixel lies in its cell of the grid.
    for row in range(size // 2, size // 2 + network.config.stride):
        (gradient,) = torch.autograd.grad(network(image)[0, :, row, size // 2].sum(), image)
        touched = gradient[0, 0].abs().amax(1).nonzero()
        rows.append(int(touched.max() - touched.min()) + 1)
    assert max(rows) == (96 if expected is None else expected)
    assert (expected is None) == DYNAMICS[network.config.dynamics].implicit


def test_normalisation_is_part_of_the_network():
    plain, normalising = build("imex-lean"), build("imex-lean", mean=(100.0,), std=(50.0,))
    image = 255 * torch.rand(1, 1, 20, 20)
    torch.testing.assert_close(normalising(image), plain((image - 100) / 50))


def test_the_explicit_networks_differ_from_their_implicit_twins_in_the_solve_alone():
    for name in NETWORKS:
        twin = DYNAMICS[network_config(name).dynamics].explicit_twin
        if twin is None:
            continue
        own = {key: value.shape for key, value in build(name).state_dict().items() if ".solve." not in key}
        assert own == {key: value.shape for key, value in build(name, dynamics=twin).state_dict().items()}


def test_the_default_is_small():
    assert count_parameters(SegmentationNetwork(network_config(DEFAULT_MODEL, num_classes=4))) <= 15_000
    assert summarise(DEFAULT_MODEL).field_of_view_in_words == "whole image"


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(UsageError, match="unknown model 'imexlean'; did you mean 'imex-lean'"):
        network_config("imexlean")
    assert network_config("imex_lean") == network_config("imex-lean")


@pytest.mark.parametrize(
    "settings",
    [{"width": 0}, {"step_size": -1.0}, {"stride": 3}, {"boundary": "zero"}, {"mean": (1.0, 2.0)}, {"depth": 2}],
)
def test_impossible_settings_are_refused(settings: dict):
    with pytest.raises(ValidationError):
        network_config("imex-lean", **settings)
