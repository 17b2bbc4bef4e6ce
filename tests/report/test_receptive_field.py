"""The receptive field: exact where it is known, and measuring leaves no trace."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.solve_modes import without_solve
from imexseg.models.network import SegmentationNetwork
from imexseg.models.registry import network_config
from imexseg.report.receptive_field import distance_within, effective_receptive_field, seen_pixels, share_beyond


def small_network(name: str = "imex-lean", **settings) -> SegmentationNetwork:
    torch.manual_seed(3)
    return SegmentationNetwork(network_config(name, width=8, n_steps=2, mean=(128.0,), std=(64.0,), **settings))


def images(*shape: int) -> Tensor:
    return 255 * torch.rand(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", [(15, 18), (12, 21)])
@pytest.mark.parametrize("n_convolutions", [1, 3])
def test_a_stack_of_convolutions_has_exactly_its_known_support(shape: tuple[int, int], n_convolutions: int):
    stack = nn.Sequential(*(nn.Conv2d(2, 2, 3, padding=1) for _ in range(n_convolutions)))
    field = effective_receptive_field(stack, images(3, 2, *shape))
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    known = np.maximum(abs(rows - shape[0] // 2), abs(columns - shape[1] // 2)) <= n_convolutions
    np.testing.assert_array_equal(field > 0, known)


def test_the_field_is_the_mean_over_images_and_the_sum_over_channels_for_the_predicted_class():
    weights = torch.tensor([[1.0, -2.0, 0.5], [-3.0, 4.0, 0.25]])  # of two classes, for three channels
    network = nn.Conv2d(3, 2, 1, bias=False)
    network.load_state_dict({"weight": weights[..., None, None]})
    batch = torch.zeros(2, 3, 5, 6)
    batch[0, 0], batch[1, 1] = 1.0, 1.0  # logits (1, -3): class 0, and (-2, 4): class 1
    field = effective_receptive_field(network, batch)
    assert field[2, 3] == pytest.approx((3.5 + 7.25) / 2)
    assert np.count_nonzero(field) == 1


@pytest.mark.parametrize("boundary", ["periodic", "reflect", "zero"])
@pytest.mark.parametrize("name", [f"{name}-lean" for name, row in DYNAMICS.items() if row.implicit])
def test_with_the_solve_every_pixel_is_seen_and_without_it_a_neighbourhood_only(name: str, boundary: str):
    network, batch = small_network(name, boundary=boundary), images(2, 1, 46, 50)
    assert seen_pixels(effective_receptive_field(network, batch)) == 1
    with without_solve(network):
        local = effective_receptive_field(network, batch)
    twin = small_network(f"{DYNAMICS[network.config.dynamics].explicit_twin}-lean").field_of_view()
    assert twin is not None
    rows, columns = np.nonzero(local)
    assert 3 <= np.ptp(rows) + 1 <= twin
    assert 3 <= np.ptp(columns) + 1 <= twin


def test_parameters_and_their_gradients_are_left_as_they_are():
    network = small_network()
    with_gradient, without_gradient, *_ = network.parameters()
    with_gradient.grad = torch.full_like(with_gradient, 7.0)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    effective_receptive_field(network, images(2, 1, 16, 16))
    assert torch.equal(with_gradient.grad, torch.full_like(with_gradient, 7.0))
    assert without_gradient.grad is None
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_every_module_is_restored(training: bool):
    network = small_network().train(training)
    network.backbone.opening.eval()  # frozen statistics in a network that trains
    before = [module.training for module in network.modules()]
    effective_receptive_field(network, images(1, 1, 16, 16))
    assert [module.training for module in network.modules()] == before
    with pytest.raises(RuntimeError):
        effective_receptive_field(network, images(1, 5, 16, 16))
    assert [module.training for module in network.modules()] == before


def test_it_measures_in_eval_mode_where_gradients_are_off_and_whatever_the_input_has_been_through():
    network, batch = small_network().train(), images(2, 1, 16, 20)
    expected = effective_receptive_field(network.eval(), batch)
    with torch.no_grad():
        np.testing.assert_array_equal(effective_receptive_field(network.train(), batch), expected)
    np.testing.assert_array_equal(effective_receptive_field(network, batch.requires_grad_()), expected)
    assert batch.grad is None


def known_field() -> np.ndarray:
    """A tenth of the influence on each of the four neighbours, the rest on the centre, next to nothing in a corner."""
    field = np.zeros((7, 9), dtype=np.float32)
    field[3, 4] = 0.6
    field[[2, 4, 3, 3], [4, 4, 3, 5]] = 0.1
    field[0, 0] = 1e-9
    return field


def test_share_beyond_counts_what_lies_farther_than_the_radius():
    field = known_field()
    assert share_beyond(field, 0.5) == pytest.approx(0.4)
    assert share_beyond(field, 1) == pytest.approx(0, abs=1e-8)
    assert share_beyond(np.zeros((4, 4)), 1) == 0


def test_distance_within_is_the_smallest_circle_that_holds_the_share():
    field = known_field()
    assert distance_within(field, 0.5) == 0
    assert distance_within(field, 0.9) == 1
    assert distance_within(field, 1.0) == 5  # the corner, 3 rows and 4 columns away
    assert distance_within(np.zeros((4, 4))) == 0


def test_seen_pixels_counts_those_above_the_relative_threshold():
    field = known_field()
    assert seen_pixels(field) == pytest.approx(5 / 63)
    assert seen_pixels(field, relative=0.5) == pytest.approx(1 / 63)
    assert seen_pixels(field, relative=0) == pytest.approx(6 / 63)
    assert seen_pixels(np.zeros((4, 4))) == 0
