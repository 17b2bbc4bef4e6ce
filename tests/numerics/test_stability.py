"""Largest stable steps against dense eigenvalues, and against what happens when one iterates."""

import math

import pytest
import torch
from dense_matrices import stencil_matrix
from torch import Tensor

from imexseg.layers.implicit import PeriodicSolve
from imexseg.layers.operators import DenseOperator
from imexseg.layers.terms import ParabolicTerm, ResidualTerm
from imexseg.numerics import stability
from imexseg.numerics.resolvent import resolvent_symbol, solve_rfft
from imexseg.numerics.stencils import random_stencils, symbol, zero_mean

CHANNELS, SIZE = 2, 4
N = CHANNELS * SIZE * SIZE


class Problem:
    """-Kᵀσ(N(KY)) and (I + hL)⁻¹ on a small grid, matrix-free and as matrices."""

    def __init__(self, seed: int):
        torch.manual_seed(seed)
        self.term = ParabolicTerm(CHANNELS, lambda: DenseOperator(CHANNELS)).double().eval()
        self.term.norm.bias.data.normal_()
        self.term.norm.weight.data.uniform_(0.5, 2)
        self.Y = torch.randn(1, CHANNELS, SIZE, SIZE, dtype=torch.float64)
        self.start = torch.randn_like(self.Y)
        self.apply = stability.symmetric_rate(self.term, self.Y)
        self.A = -torch.autograd.functional.jacobian(self.term, self.Y).reshape(N, N)
        self.B = random_stencils(CHANNELS, 1.0, shortest=0.3, longest=1.0).double()
        blocks = stencil_matrix(self.B, SIZE, SIZE, "periodic")
        self.L = torch.block_diag(*(blocks.mT @ blocks))

    def solve(self, X: Tensor, h: float) -> Tensor:
        return solve_rfft(X, resolvent_symbol(symbol(zero_mean(self.B), SIZE, SIZE), h))


@pytest.fixture(params=[0, 1])
def problem(request: pytest.FixtureRequest) -> Problem:
    return Problem(request.param)


def largest(matrix: Tensor) -> float:
    return float(torch.linalg.eigvals(matrix).abs().max())


def step_matrix(scheme: str, p: Problem, q: Problem, h: float) -> Tensor:
    """One step of the linearised scheme, written out; pairs (Y⁻, Y) and (Y, Z) for the two-step ones."""
    identity = torch.eye(N, dtype=torch.float64)
    S = torch.linalg.inv(identity + h * p.L)
    if scheme == "forward":
        return identity - h * p.A
    if scheme == "imex":
        return identity - h * S @ p.A
    if scheme == "diffusive":
        return S @ (identity - h * p.A)
    nothing = torch.zeros_like(identity)
    if scheme == "verlet":
        first = torch.cat([torch.cat([identity, h * p.A], 1), torch.cat([nothing, identity], 1)])
        second = torch.cat([torch.cat([identity, nothing], 1), torch.cat([-h * q.A, identity], 1)])
        return second @ first
    S = torch.linalg.inv(identity + h**2 * p.L) if scheme == "leapfrog-solve" else identity
    return torch.cat([torch.cat([nothing, identity], 1), torch.cat([-identity, 2 * identity - h**2 * S @ p.A], 1)])


def limit(scheme: str, p: Problem, q: Problem) -> float:
    return {
        "forward": lambda: stability.forward_euler_limit(p.apply, p.start),
        "imex": lambda: stability.imex_limit(p.apply, p.solve, p.start),
        "diffusive": lambda: stability.imex_diffusive_limit(p.apply, p.solve, p.start),
        "verlet": lambda: stability.verlet_limit(p.apply, q.apply, p.start),
        "leapfrog": lambda: stability.leapfrog_limit(p.apply, p.start),
        "leapfrog-solve": lambda: stability.leapfrog_limit(p.apply, p.start, p.solve),
    }[scheme]()


SCHEMES = ["forward", "imex", "diffusive", "verlet", "leapfrog", "leapfrog-solve"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_limit_is_where_iterating_stops_being_bounded(scheme: str, problem: Problem):
    """2 % above it the state explodes; 2 % below it does not, though modes that f leaves alone (κ = 0) drift at constant
    speed in the two-step schemes, as ∂ₜₜY = 0 lets them."""
    other = Problem(7)
    h = limit(scheme, problem, other)
    assert math.isfinite(h)
    below, above = (step_matrix(scheme, problem, other, factor * h) for factor in (0.98, 1.02))
    start = torch.randn(len(below), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    n_steps = 1000
    bounded = (torch.linalg.matrix_power(below, n_steps) @ start).norm() / start.norm()
    unbounded = (torch.linalg.matrix_power(above, n_steps) @ start).norm() / start.norm()
    assert bounded < (1 if scheme in ("forward", "imex", "diffusive") else 2 * n_steps)
    assert unbounded > 1e4


def test_limits_are_those_of_dense_eigenvalues(problem: Problem):
    other, p = Problem(7), problem
    in_closed_form = {
        "forward": 2 / largest(p.A),
        "imex": 2 / float(torch.linalg.eigvalsh(p.A - 2 * p.L).max()),
        "diffusive": 2 / float(torch.linalg.eigvalsh(p.A - p.L).max()),
        "verlet": 2 / math.sqrt(largest(p.A @ other.A)),
        "leapfrog": 2 / math.sqrt(largest(p.A)),
        "leapfrog-solve": 2 / math.sqrt(float(torch.linalg.eigvalsh(p.A - 4 * p.L).max())),
    }
    assert {scheme: limit(scheme, p, other) for scheme in SCHEMES} == pytest.approx(in_closed_form, rel=0.01)
    assert in_closed_form["imex"] > in_closed_form["diffusive"] > in_closed_form["forward"]


def test_products_with_the_jacobian_are_those_of_the_matrix():
    torch.manual_seed(3)
    f = ResidualTerm(CHANNELS, lambda: DenseOperator(CHANNELS)).double().eval()
    Y, v = torch.randn(2, 1, CHANNELS, SIZE, SIZE, dtype=torch.float64)
    matrix = torch.autograd.functional.jacobian(f, Y).reshape(N, N)
    J, JT = stability.jacobian_products(f, Y)
    torch.testing.assert_close(J(v).flatten(), matrix @ v.flatten())
    torch.testing.assert_close(JT(v).flatten(), matrix.T @ v.flatten())
    assert all(parameter.grad is None for parameter in f.parameters())
    assert stability.expansion_rate(J, JT, v) == pytest.approx(
        float(torch.linalg.eigvalsh((matrix + matrix.T) / 2).max()), rel=0.01
    )
    identity = torch.eye(N, dtype=torch.float64)
    assert stability.spectral_norm(lambda x: x + 0.7 * J(x), lambda x: x + 0.7 * JT(x), v) == pytest.approx(
        float(torch.linalg.matrix_norm(identity + 0.7 * matrix, 2)), rel=0.01
    )


def test_the_parabolic_term_does_not_expand(problem: Problem):
    J, JT = stability.jacobian_products(problem.term, problem.Y)
    assert stability.expansion_rate(J, JT, problem.start) < 0.02 * largest(problem.A)
    h = 0.9 * 2 / largest(problem.A)
    norm = stability.spectral_norm(lambda v: v + h * J(v), lambda v: v + h * JT(v), problem.start)
    assert norm <= 1 + 1e-6


def test_factors_are_the_eigenvalues_of_a_step_where_f_and_L_share_their_waves():
    """f = -θ∂⁴-like: a multiple of L² on one channel, so that both are diagonal in plane waves."""
    L = Problem(0).L[: SIZE * SIZE, : SIZE * SIZE]
    lam, waves = torch.linalg.eigh(L)
    mu, h = -0.7 * lam.square() - 0.1, 0.9
    A, identity = waves @ torch.diag(-mu) @ waves.T, torch.eye(len(L), dtype=torch.float64)
    S = torch.linalg.inv(identity + h * L)

    def eigenvalues(matrix: Tensor) -> Tensor:
        return (waves.T @ matrix @ waves).diagonal()

    torch.testing.assert_close(stability.forward_euler_factor(mu, h), eigenvalues(identity - h * A))
    torch.testing.assert_close(stability.imex_factor(mu, lam, h), eigenvalues(identity - h * S @ A))
    torch.testing.assert_close(stability.imex_diffusive_factor(mu, lam, h), eigenvalues(S @ (identity - h * A)))


def test_two_step_factors_stay_on_the_unit_circle_up_to_two_over_root_kappa():
    kappa = torch.tensor([0.25, 1.0, 9.0], dtype=torch.float64)
    for index, h in enumerate(2 / kappa.sqrt()):
        inside, outside = (
            stability.two_step_factors(kappa[index], float(factor * h)).abs() for factor in (0.999, 1.01)
        )
        torch.testing.assert_close(inside, torch.ones(2, dtype=torch.float64))
        assert outside.max() > 1.1
        assert outside.prod() == pytest.approx(1)


def test_a_solve_that_outweighs_f_allows_any_step():
    """A = 0.1·BᵀB against L = BᵀB: h·0.1λ/(1 + hλ) stays below 2 for ever."""
    solve = PeriodicSolve(1, 1.0, 2.0, 4.0).double()
    B = zero_mean(solve.weight.detach())
    values = symbol(B, 8, 8)

    def A(v: Tensor) -> Tensor:
        return torch.fft.irfft2(0.1 * values * torch.fft.rfft2(v), s=(8, 8))

    start = torch.randn(1, 1, 8, 8, dtype=torch.float64)
    found = stability.imex_limit(A, lambda X, h: solve_rfft(X, resolvent_symbol(values, h)), start)
    assert found == math.inf
    assert stability.forward_euler_limit(A, start) == pytest.approx(20 / float(values.max()), rel=0.01)
