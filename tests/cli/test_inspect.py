"""`imexseg inspect`: what it says of a network whose theory is known, and how it is asked."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imexseg.cli import main as command_line
from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.implicit import implicit_solve
from imexseg.models.network import SegmentationNetwork
from imexseg.models.registry import network_config
from imexseg.report.inspect.figure import greens_functions, inspection_figure
from imexseg.report.inspect.measure import inspect_network


def small(name: str, **settings) -> SegmentationNetwork:
    torch.manual_seed(0)
    return SegmentationNetwork(network_config(name, width=4, n_steps=1, **settings)).eval()


IMAGE = torch.rand(1, 1, 24, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dynamics", ["residual", "parabolic", "imex", "imex-residual", "imex-diffusive"])
def test_every_layer_is_found_with_its_equation_and_left_as_it_was(dynamics: str):
    network = small(f"{dynamics}-lean")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    layers = inspect_network(network, IMAGE)
    assert [(layer.dynamics, layer.equation) for layer in layers] == [(dynamics, DYNAMICS[dynamics].equation)]
    assert [(layer.stride, layer.grid, layer.step_size) for layer in layers] == [(2, (12, 16), 1.0)]
    for layer in layers:
        assert (layer.decay_lengths is not None) == DYNAMICS[dynamics].implicit
        stencils = next(kernels for kernels in layer.kernels if kernels.name.endswith("depthwise"))
        assert stencils.count == sum(stencils.dominant.values()) == len(stencils.texts) == 4
        assert sum(stencils.mean_share.values()) == pytest.approx(1)
        # Two unrelated operators expand; -Kᵀσ(K·) does not, and has a largest step.
        assert (layer.largest_stable_step is None) == ("residual" in dynamics)
        assert (layer.expansion_rate or 0) > 0 or "residual" not in dynamics
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(not module._forward_pre_hooks for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("dynamics", ["parabolic", "imex", "imex-diffusive"])
def test_the_step_is_stable_exactly_up_to_the_limit_it_names(dynamics: str):
    """The step's own amplification, measured apart from the limit, crosses 1 there."""
    network = small(f"{dynamics}-lean", boundary="periodic")  # where L leaves constants alone, so that there is a limit
    limit = inspect_network(network, IMAGE)[0].largest_stable_step
    assert limit is not None
    assert math.isfinite(limit)
    for factor, stable in ((0.97, True), (1.05, False)):
        for module in network.modules():
            if hasattr(module, "step_size"):
                module.step_size = factor * limit
        amplification = inspect_network(network, IMAGE)[0].amplification
        assert amplification is not None
        assert (amplification <= 1 + 1e-3) == stable


def test_a_solve_allows_a_larger_step():
    explicit, implicit = small("parabolic-lean"), small("imex-lean")
    explicit.load_state_dict({k: v for k, v in implicit.state_dict().items() if ".solve." not in k})
    limits = [inspect_network(network, IMAGE)[0].largest_stable_step for network in (explicit, implicit)]
    assert limits[1] > limits[0] * 1.01


@pytest.mark.parametrize("boundary", ["periodic", "reflect"])
def test_greens_functions_sum_to_one_where_the_solve_keeps_the_mean(boundary: str):
    functions = greens_functions(implicit_solve(8, 1.0, boundary, 1.0, 24.0), 12, 16)
    torch.testing.assert_close(functions.sum((-2, -1)), torch.ones(8))


def test_greens_functions_of_boundary_zero_sum_to_what_does_not_flow_over_the_edge():
    near, far = (greens_functions(implicit_solve(1, 1.0, "zero", length, length), 65, 65) for length in (1.0, 24.0))
    assert min(near.min(), far.min()) > -1e-6
    assert near.sum().item() == pytest.approx(1, abs=1e-5)  # the edge is 32 decay lengths away
    assert 0.2 < far.sum() < 0.6


def test_the_figure_is_drawn():
    network = small("imex-lean", boundary="periodic")
    solve = network.get_submodule("backbone.stages.0.steps.0.solve")
    layers = inspect_network(network, IMAGE)
    field = np.random.default_rng(0).random((24, 32))
    with_solve, without = (inspection_figure("$x_1", layers, field, s, 0) for s in (solve, None))
    assert with_solve[:4] == without[:4] == b"\x89PNG"
    assert len(with_solve) > len(without)


@pytest.fixture
def inspect(capsys: pytest.CaptureFixture[str]):
    def run(*options: object) -> tuple[int, str, str]:
        code = command_line.main(["inspect", *map(str, options)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_command_prints_json_and_draws(inspect, trained_run: Path, tmp_path: Path):
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(tmp_path / "image.png")
    options = ("--image", tmp_path / "image.png", "--output", tmp_path / "figure.png")
    code, out, err = inspect(trained_run, *options, "--json", "--channels")
    assert code == 0, err
    found = json.loads(out)
    assert found["sample"] == str(tmp_path / "image.png")
    assert [layer["name"] for layer in found["layers"]] == [f"backbone.stages.0.steps.{n}" for n in range(5)]
    for layer in found["layers"]:
        assert layer["decay_length_in_image_pixels"]["max"] == pytest.approx(
            layer["stride"] * max(layer["decay_lengths"])
        )
        assert len(layer["kernels"][0]["texts"]) == 32
    assert Image.open(tmp_path / "figure.png").size[0] > 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["qtips", "--output", "x.svg"], "x.svg: the figure is a PNG"),
        (["nowhere.safetensors"], "no such weights file"),
        (["qtips", "--image", "nowhere.png"], "nowhere.png: no such file"),
    ],
)
def test_mistakes_get_one_clear_line(inspect, options: list[str], message: str):
    code, out, err = inspect(*options)
    assert (code, out) == (2, "")
    assert message in err
