"""Properties of every registered dynamics, with every operator and boundary."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from imexseg.layers.dynamics import DYNAMICS, build_flow
from imexseg.layers.flow_settings import FlowSettings
from imexseg.layers.implicit import DirichletSolve, ImplicitSolve, PeriodicSolve, ReflectiveSolve, implicit_solve
from imexseg.layers.norms import TvNorm
from imexseg.layers.operators import OPERATORS
from imexseg.layers.solve_modes import without_solve
from imexseg.layers.terms import ParabolicTerm
from imexseg.numerics.boundary import BOUNDARIES

CHANNELS = 4
every_step = pytest.mark.parametrize(
    ("dynamics", "operator", "boundary"), list(itertools.product(DYNAMICS, OPERATORS, BOUNDARIES))
)


def step_of(dynamics: str, operator: str, boundary: str, norm: str = "batch") -> nn.Module:
    """One step of a dynamics, as a network has it."""
    torch.manual_seed(0)
    settings = FlowSettings(
        dynamics, operator, CHANNELS, n_steps=1, boundary=boundary, norm=norm, shortest=2.0, longest=8.0
    )
    return build_flow(settings).double().eval()


def state(height: int = 11, width: int = 8) -> Tensor:
    return torch.randn(2, CHANNELS, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@every_step
def test_an_implicit_step_sees_the_whole_image_and_an_explicit_one_its_rings(
    dynamics: str, operator: str, boundary: str
):
    """f applies K and then its adjoint (or K₂), two rings; a Verlet step applies two f one after the other."""
    step, Y = step_of(dynamics, operator, boundary), state(15, 12)
    changed = Y.clone()
    changed[:, :, 7, 6] += 1
    rings = DYNAMICS[dynamics].rings_per_step
    touched = (step(changed) - step(Y)).abs().amax((0, 1)) > 0
    if DYNAMICS[dynamics].implicit:
        assert touched.all()
        with without_solve(step):
            touched = (step(changed) - step(Y)).abs().amax((0, 1)) > 0
    touched[7 - rings : 8 + rings, 6 - rings : 7 + rings] = False
    assert not touched.any()


@every_step
def test_without_the_solve_a_step_is_its_explicit_twin(dynamics: str, operator: str, boundary: str):
    twin = DYNAMICS[dynamics].explicit_twin
    if twin is None:
        assert not any(isinstance(module, ImplicitSolve) for module in step_of(dynamics, operator, boundary).modules())
        return
    step, explicit = step_of(dynamics, operator, boundary), step_of(twin, operator, boundary)
    own = {name: tensor for name, tensor in step.state_dict().items() if ".solve." not in name}
    explicit.load_state_dict(own)
    with without_solve(step):
        assert torch.equal(step(state()), explicit(state()))
    assert not torch.equal(step(state()), explicit(state()))


@pytest.mark.parametrize("dynamics", DYNAMICS)
@pytest.mark.parametrize("operator", OPERATORS)
def test_equivariant_under_periodic_shifts(dynamics: str, operator: str):
    step, Y = step_of(dynamics, operator, "periodic"), state()
    shift = {"shifts": (3, -2), "dims": (-2, -1)}
    torch.testing.assert_close(step(Y.roll(**shift)), step(Y).roll(**shift))


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_parabolic_term_is_monotone(operator: str, boundary: str):
    """⟨f(Y) - f(X), Y - X⟩ ≤ 0."""
    torch.manual_seed(2)
    f = ParabolicTerm(CHANNELS, lambda: OPERATORS[operator](CHANNELS, boundary)).double().eval()
    f.norm.weight.data.uniform_(0.1, 3)
    f.norm.bias.data.normal_()
    for _ in range(20):
        X, Y = torch.randn(2, 1, CHANNELS, 6, 7, dtype=torch.float64)
        assert ((f(Y) - f(X)) * (Y - X)).sum() <= 1e-12


@pytest.mark.parametrize("kind", [PeriodicSolve, ReflectiveSolve, DirichletSolve])
def test_solves_start_with_the_lengths_asked_for_and_agree_between_implementations(kind: type[ImplicitSolve]):
    torch.manual_seed(3)
    solve = kind(64, 0.5, 1.0, 16.0)
    lengths = solve.decay_lengths()
    assert lengths.min() >= 0.99
    assert lengths.max() <= 16.1
    X = torch.randn(2, 64, 140, 9)
    expected = solve(X)
    solve.implementation = "matmul"
    torch.testing.assert_close(solve(X), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dynamics", DYNAMICS)
def test_tv_norm_depends_on_each_image_alone(dynamics: str):
    step, Y = step_of(dynamics, "lean", "periodic", norm="tv").train(), state()
    torch.testing.assert_close(step(Y)[:1], step(Y[:1]))


def test_tv_norm_is_its_formula():
    norm, Y = TvNorm(CHANNELS).double(), state()
    norm.weight.data.uniform_(0.5, 2)
    norm.bias.data.normal_()
    expected = torch.empty_like(Y)
    for b, i, j in itertools.product(range(2), range(11), range(8)):
        y = Y[b, :, i, j]
        expected[b, :, i, j] = norm.weight * y / ((y**2).sum() + 1e-4).sqrt() + norm.bias
    torch.testing.assert_close(norm(Y), expected)


def test_bad_numbers_and_names_are_refused():
    settings = FlowSettings("parabolic", "lean", 4, 1)
    with pytest.raises(ValueError, match="step size must be positive, got 0"):
        build_flow(replace(settings, step_size=0.0))
    with pytest.raises(ValueError, match="splits the channels in half; width 5 is odd, use 4 or 6"):
        build_flow(replace(settings, dynamics="hamiltonian", channels=5))
    with pytest.raises(ValueError, match="step size must be positive, got -1"):
        implicit_solve(4, -1, "periodic", 1, 2)
    with pytest.raises(ValueError, match="unknown boundary 'dirichlet'"):
        implicit_solve(4, 1, "dirichlet", 1, 2)
    with pytest.raises(ValueError, match="0 < shortest <= longest"):
        implicit_solve(4, 1, "reflect", 3, 2)
