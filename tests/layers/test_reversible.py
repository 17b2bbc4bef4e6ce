"""Reversible flows: exactly invertible, gradients as ordinary ones, memory independent of the number of steps."""

import copy
import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from imexseg.layers.dynamics import DYNAMICS, build_flow
from imexseg.layers.flow_settings import FlowSettings
from imexseg.layers.operators import OPERATORS
from imexseg.layers.reversible import store_states
from imexseg.numerics.timestep import leapfrog, verlet

REVERSIBLE = [name for name, row in DYNAMICS.items() if row.reversible]
every_flow = pytest.mark.parametrize("dynamics", REVERSIBLE)


def flow_of(
    dynamics: str, n_steps: int = 3, operator: str = "lean", norm: str = "batch", channels: int = 4
) -> nn.Module:
    torch.manual_seed(0)
    return build_flow(FlowSettings(dynamics, operator, channels, n_steps, step_size=0.5, norm=norm))


def gradients(flow: nn.Module, Y: Tensor, *, stored: bool) -> list[Tensor]:
    """Of the output, of the input and of every parameter."""
    store_states(flow, stored)
    flow.zero_grad()
    Y = Y.clone().requires_grad_()
    out = flow(Y)
    (out * torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)).sum().backward()
    return [out.detach(), Y.grad, *(p.grad for p in flow.parameters())]


def relative_difference(found: list[Tensor], expected: list[Tensor]) -> float:
    difference = sum((a.double() - b.double()).square().sum() for a, b in zip(found, expected, strict=True))
    return float((difference / sum(b.double().square().sum() for b in expected)).sqrt())


@every_flow
@pytest.mark.parametrize("norm", ["batch", "tv"])
@given(half=st.integers(1, 3), height=st.integers(1, 9), width=st.integers(1, 9), n_steps=st.integers(0, 5))
def test_inverse_undoes_every_step(dynamics: str, norm: str, half: int, height: int, width: int, n_steps: int):
    flow = flow_of(dynamics, n_steps, norm=norm, channels=2 * half).double().eval()
    Y = torch.randn(2, 2 * half, height, width, dtype=torch.float64)
    forward = flow.advance(Y)
    if isinstance(forward, tuple):
        back = flow.inverse(*forward)
        torch.testing.assert_close(back, (Y, Y))
    else:
        torch.testing.assert_close(flow.inverse(forward), Y)


@pytest.mark.parametrize(("dynamics", "operator"), list(itertools.product(REVERSIBLE, OPERATORS)))
@pytest.mark.parametrize("norm", ["batch", "tv"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_gradients_are_the_ordinary_ones(dynamics: str, operator: str, norm: str, dtype: torch.dtype, tolerance: float):
    flow = flow_of(dynamics, 6, operator, norm, channels=8).to(dtype).train()
    Y = torch.randn(2, 8, 9, 10, dtype=dtype, generator=torch.Generator().manual_seed(1))
    ordinary = gradients(flow, Y, stored=True)
    assert relative_difference(gradients(flow, Y, stored=False), ordinary) < tolerance
    assert all(gradient.abs().sum() > 0 for gradient in ordinary)


@every_flow
def test_running_statistics_are_counted_once(dynamics: str):
    rebuilt = flow_of(dynamics).train()
    ordinary = copy.deepcopy(rebuilt)
    Y = torch.randn(2, 4, 8, 8)
    gradients(rebuilt, Y, stored=False)
    gradients(ordinary, Y, stored=True)
    for name, value in ordinary.named_buffers():
        torch.testing.assert_close(dict(rebuilt.named_buffers())[name], value)
    counts = [int(m.num_batches_tracked) for m in rebuilt.modules() if isinstance(m, nn.BatchNorm2d)]
    assert counts
    assert set(counts) == {1}


def stored_bytes(flow: nn.Module, Y: Tensor) -> int:
    """Bytes of distinct tensors that autograd keeps between the passes, parameters not counted."""
    own = {p.data_ptr() for p in flow.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = flow(Y)
    del out
    return sum(kept.values())


@every_flow
def test_stored_bytes_do_not_grow_with_the_number_of_steps(dynamics: str):
    Y = torch.randn(1, 8, 16, 16)
    few, many = (stored_bytes(flow_of(dynamics, n, channels=8).train(), Y) for n in (4, 64))
    assert many <= 1.05 * few
    ordinary = flow_of(dynamics, 64, channels=8).train()
    store_states(ordinary)
    assert many <= stored_bytes(ordinary, Y) / 8


@every_flow
def test_under_autocast_as_ordinary_autograd_there(dynamics: str):
    flow = flow_of(dynamics, 4, channels=8).train()
    Y = torch.randn(2, 8, 9, 10)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ordinary = gradients(flow, Y, stored=True)
        rebuilt = gradients(flow, Y, stored=False)
    # Rebuilt states differ in the last bit of float32; rounded to bfloat16 a few of them fall on the other side.
    assert relative_difference(rebuilt, ordinary) < 2e-2
    assert relative_difference(rebuilt, gradients(flow, Y, stored=True)) > 1e-4  # float32: autocast did something


@every_flow
def test_gradients_accumulate(dynamics: str):
    flow = flow_of(dynamics).train()
    Y = torch.randn(2, 4, 6, 6)
    once = gradients(flow, Y, stored=False)[2:]
    once = [gradient.clone() for gradient in once]
    flow(Y).square().sum().backward()
    both = [p.grad.clone() for p in flow.parameters()]
    flow.zero_grad()
    flow(Y).square().sum().backward()
    torch.testing.assert_close(both, [a + p.grad for a, p in zip(once, flow.parameters(), strict=True)])


@every_flow
def test_compiles_with_the_rebuilding_part_eager(dynamics: str):
    flow = flow_of(dynamics).train()
    Y = torch.randn(2, 4, 6, 6)
    expected = gradients(flow, Y, stored=False)
    compiled = torch.compile(flow, backend="eager")
    flow.zero_grad()
    X = Y.clone().requires_grad_()
    out = compiled(X)
    (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
    torch.testing.assert_close([out.detach(), X.grad, *(p.grad for p in flow.parameters())], expected)


@every_flow
def test_frozen_parameters_get_no_gradient_and_the_others_the_right_one(dynamics: str):
    flow = flow_of(dynamics).train()
    Y = torch.randn(2, 4, 6, 6)
    expected = {name: p.grad.clone() for name, p in flow.named_parameters() if gradients(flow, Y, stored=False)}
    frozen = [name for name, _ in flow.named_parameters() if ".K." in name]
    for name, parameter in flow.named_parameters():
        parameter.requires_grad_(name not in frozen)
        parameter.grad = None
    out = flow(Y)
    (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
    for name, parameter in flow.named_parameters():
        if name in frozen:
            assert parameter.grad is None
        else:
            torch.testing.assert_close(parameter.grad, expected[name])


@pytest.mark.parametrize("dynamics", ["hamiltonian", "hamiltonian-imex"])
def test_hamiltonian_flow_is_verlet(dynamics: str):
    """Couplings of a chain are f and g of numerics.timestep.verlet: Kᵀσ(N(K·)) and -Kᵀσ(N(K·))."""
    flow = flow_of(dynamics, 3).double().eval()
    X = torch.randn(2, 4, 7, 6, dtype=torch.float64)
    Y, Z = X.chunk(2, dim=1)
    for first, second in zip(flow.chain.couplings[::2], flow.chain.couplings[1::2], strict=True):
        Y, Z = verlet(Y, Z, first, second, 0.5)
    torch.testing.assert_close(flow.advance(X), torch.cat([Y, Z], dim=1))


@pytest.mark.parametrize("dynamics", ["second-order", "second-order-imex"])
def test_second_order_flow_is_leapfrog_from_rest(dynamics: str):
    flow = flow_of(dynamics, 3).double().eval()
    start = before = Y = torch.randn(2, 4, 7, 6, dtype=torch.float64)
    for coupling in flow.chain.couplings:
        before, Y = Y, leapfrog(before, Y, coupling(Y), 0.5)
    torch.testing.assert_close(flow.advance(start), (before, Y))
