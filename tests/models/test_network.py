"""Networks: every registered one keeps the contract of a segmentation network."""

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from imexseg.errors import UsageError
from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.operators import OPERATORS
from imexseg.models.count import count_parameters, multiply_adds
from imexseg.models.network import SegmentationNetwork
from imexseg.models.registry import DEFAULT_MODEL, FORMS, NETWORKS, network_config, short_forms
from imexseg.models.summary import summarise

# Every dynamics and every operator, at one scale and at several.
SAMPLE = [
    *(f"{dynamics}-lean" for dynamics in DYNAMICS),
    *("imex-dense", "imex-separable", "parabolic-lean-s", "hamiltonian-imex-lean-s"),
]
OWN = [name for name in NETWORKS if "lite0" not in name]  # the other kinds: test_lite0.py, test_smp.py
every_network = pytest.mark.parametrize("name", list(dict.fromkeys([*OWN, *SAMPLE])))
one_of_each_kind = pytest.mark.parametrize("name", SAMPLE)
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


@pytest.mark.parametrize("name", SAMPLE[:-1])  # the last has as many solves as all others together
def test_one_batch_can_be_overfitted(name: str):
    torch.manual_seed(1)
    network = SegmentationNetwork(network_config(name, width=16, n_steps=1, num_classes=3)).train()
    image = torch.randn(2, 1, 16, 16)
    truth = (image[:, 0] > 0).long() + (image[:, 0] > 1).long()
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-2)
    for _ in range(100):
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


def smooth(network: torch.nn.Module) -> None:
    """Put Softplus for every ReLU, so that no path of the gradient is switched off by chance."""
    for module in list(network.modules()):
        for key, child in module.named_children():
            if isinstance(child, torch.nn.ReLU):
                setattr(module, key, torch.nn.Softplus())


@one_of_each_kind
def test_field_of_view_is_what_the_gradient_says(name: str):
    network = build(name, n_steps=1).double()
    smooth(network)
    expected = network.field_of_view()
    size = 96 if expected is None else expected + 32
    image = torch.randn(1, 1, size, 32, dtype=torch.float64, requires_grad=True)
    rows = []
    # The extent depends on where the pixel lies in its cell of the grid.
    for row in range(size // 2, size // 2 + min(network.total_stride, 8)) if expected else [size // 2]:
        (gradient,) = torch.autograd.grad(network(image)[0, :, row, 16].sum(), image)
        touched = gradient[0, 0].abs().amax(1).nonzero()
        rows.append(int(touched.max() - touched.min()) + 1)
    assert (expected is None) == network.config.implicit
    if expected is None:
        assert max(rows) == 96
    else:  # an upper bound where pooling and interpolation lie differently on the coarser grids
        slack = network.total_stride - network.config.stride
        assert expected - slack <= max(rows) <= expected


def test_normalisation_is_part_of_the_network():
    plain, normalising = build("imex-lean"), build("imex-lean", mean=(100.0,), std=(50.0,))
    image = 255 * torch.rand(1, 1, 20, 20)
    torch.testing.assert_close(normalising(image), plain((image - 100) / 50))


def test_the_explicit_networks_differ_from_their_implicit_twins_in_the_solve_alone():
    for dynamics, row in DYNAMICS.items():
        name, twin = f"{dynamics}-lean", row.explicit_twin
        if twin is None:
            continue
        own = {key: value.shape for key, value in build(name).state_dict().items() if ".solve." not in key}
        assert own == {key: value.shape for key, value in build(name, dynamics=twin).state_dict().items()}


def test_stages_may_mix_dynamics_operators_and_widths():
    mixed = {
        "dynamics": ["parabolic", "hamiltonian-imex"],
        "operator": ["dense", "lean"],
        "width": [6, 8],
        "n_steps": 1,
    }
    network = build("imex-lean", **mixed)
    assert network.total_stride == 4
    features = network.backbone(torch.randn(1, 1, 24, 16))
    assert [tuple(f.shape) for f in features] == [(1, 6, 12, 8), (1, 8, 6, 4)]
    assert network(torch.randn(1, 1, 21, 15)).shape == (1, 2, 21, 15)
    assert network.config.implicit


def test_the_paper_form_keeps_the_full_resolution():
    features = build("imexnet", width=(4, 6, 8)).backbone(torch.randn(1, 1, 10, 12))
    assert [tuple(f.shape[1:]) for f in features] == [(4, 10, 12), (6, 10, 12), (8, 10, 12)]


def test_lean_needs_a_seventh_of_the_multiply_adds_of_dense():
    image = torch.randn(1, 64, 16, 16)
    counts = [multiply_adds(OPERATORS[operator](64), image) for operator in ("dense", "lean")]
    assert counts[0] == 9 * 64 * 64 * 16 * 16
    assert counts[1] <= counts[0] / 7


def test_the_default_is_small():
    assert count_parameters(SegmentationNetwork(network_config(DEFAULT_MODEL, num_classes=4))) <= 15_000
    assert summarise(DEFAULT_MODEL).field_of_view == "whole image"


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(UsageError, match="unknown model 'imexlean'; did you mean 'imex-lean'"):
        network_config("imexlean")
    assert network_config("imex_lean") == network_config("imex-lean")


@pytest.mark.parametrize(
    "settings",
    [
        {"width": 0},
        {"step_size": -1.0},
        {"stride": 3},
        {"boundary": "mirror"},
        {"mean": (1.0, 2.0)},
        {"depth": 2},
        {"dynamics": "wave"},
        {"operator": "sparse"},
        {"norm": "layer"},
        {"dynamics": "hamiltonian", "width": 7},
        {"width": [8, 8], "n_steps": [1, 1, 1]},
        {"width": []},
        {"shortest": 3.0, "longest": 2.0},
        {"refine_steps": 1},
        {"refine_steps": 1, "width": [8, 8], "pyramid": False},
    ],
)
def test_impossible_settings_are_refused(settings: dict):
    with pytest.raises(ValidationError):
        network_config("imex-lean", **settings)


def test_every_short_form_is_parsed_into_its_axes():
    names = list(short_forms())
    assert len(names) == len(set(names)) == 1 + len(DYNAMICS) * len(OPERATORS) * len(FORMS)
    for name in names[1:]:
        config = network_config(name)
        dynamics = config.stages[-1].dynamics
        assert name.startswith(f"{dynamics}-{config.operator}")
        assert name == f"{dynamics}-{config.operator}-{name[len(dynamics + config.operator) + 2 :]}".rstrip("-")
    assert (
        network_config("imex-residual-lean-pile-l").dynamics == "imex-residual"
    )  # not imex with an operator "residual"


def test_the_fine_scales_have_no_solve():
    photo = network_config("hamiltonian-imex-separable-photo-m")
    assert photo.dynamics == ("hamiltonian", "hamiltonian-imex", "hamiltonian-imex")
    assert photo.operator == "separable"
    assert network_config("parabolic-lean-s").dynamics == ("parabolic",) * 5
