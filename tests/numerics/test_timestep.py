"""Time steps: what they solve, their order, their stability."""

import math

import pytest
import torch
from dense_matrices import solve_dense, stencil_matrix
from torch import Tensor

from imexseg.numerics.stencils import random_stencils
from imexseg.numerics.timestep import forward_euler, imex_diffusive_euler, imex_euler, leapfrog, verlet, verlet_inverse

SIZE = 4
N = SIZE * SIZE


@pytest.fixture
def L() -> Tensor:
    B = stencil_matrix(
        random_stencils(1, 1.0, generator=torch.Generator().manual_seed(0)).double(), SIZE, SIZE, "periodic"
    )
    matrix = B.transpose(1, 2) @ B
    return matrix / torch.linalg.matrix_norm(matrix, 2)


@pytest.fixture
def A() -> Tensor:
    """f(Y) = AY with A negative definite and nothing in common with L."""
    M = torch.randn(1, N, N, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) / N
    return -(M @ M.transpose(1, 2)) - 0.3 * torch.eye(N, dtype=torch.float64)


def apply(matrix: Tensor, Y: Tensor) -> Tensor:
    return torch.einsum("cij,bcj->bci", matrix, Y.flatten(2)).view_as(Y)


def test_one_solve_of_f_is_the_unsimplified_imex_step(L: Tensor, A: Tensor):
    h, Y = 0.7, torch.randn(2, 1, SIZE, SIZE, dtype=torch.float64)
    f = apply(A, Y)
    found = imex_euler(Y, f, lambda X: solve_dense(X, L, h), h)
    torch.testing.assert_close(found, solve_dense(Y + h * apply(L, Y) + h * f, L, h))


def test_diffusive_step_solves_its_equation(L: Tensor, A: Tensor):
    h, Y = 0.7, torch.randn(2, 1, SIZE, SIZE, dtype=torch.float64)
    found = imex_diffusive_euler(Y, apply(A, Y), lambda X: solve_dense(X, L, h), h)
    torch.testing.assert_close(found + h * apply(L, found), Y + h * apply(A, Y))


def test_without_f_the_state_stands_still_or_diffuses_keeping_its_mean(L: Tensor):
    Y, nothing = torch.randn(2, 1, SIZE, SIZE, dtype=torch.float64), torch.zeros(2, 1, SIZE, SIZE, dtype=torch.float64)
    solve = lambda X: solve_dense(X, L, 0.5)  # noqa: E731
    assert torch.equal(forward_euler(Y, nothing, 0.5), Y)
    assert torch.equal(imex_euler(Y, nothing, solve, 0.5), Y)
    diffused = imex_diffusive_euler(Y, nothing, solve, 0.5)
    assert diffused.norm() < Y.norm()
    torch.testing.assert_close(diffused.mean((-2, -1)), Y.mean((-2, -1)))


@pytest.mark.parametrize("scheme", ["forward", "imex", "diffusive"])
def test_first_order_by_slope(scheme: str, L: Tensor, A: Tensor):
    """The slope of log error over log step is 1, for f(Y) = AY against the matrix exponential."""
    start = torch.randn(1, 1, SIZE, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    generator = A - L if scheme == "diffusive" else A
    exact = apply(torch.linalg.matrix_exp(generator), start)
    errors = []
    for n_steps in (32, 64, 128):
        h, Y = 1 / n_steps, start
        for _ in range(n_steps):
            f = apply(A, Y)
            if scheme == "forward":
                Y = forward_euler(Y, f, h)
            else:
                step = imex_euler if scheme == "imex" else imex_diffusive_euler
                Y = step(Y, f, lambda X, h=h: solve_dense(X, L, h), h)
        errors.append((Y - exact).norm().item())
    slopes = [math.log2(errors[i] / errors[i + 1]) for i in range(2)]
    assert slopes == pytest.approx([1, 1], abs=0.08)


def test_imex_is_bounded_where_forward_euler_diverges(L: Tensor):
    """A stiff f(Y) = -LY with h‖L‖ = 50: the explicit step multiplies by -49, the implicit one does not amplify."""
    h = 50.0
    explicit = implicit = torch.randn(1, 1, SIZE, SIZE, dtype=torch.float64)
    start = implicit.norm()
    for _ in range(20):
        explicit = forward_euler(explicit, -apply(L, explicit), h)
        implicit = imex_euler(implicit, -apply(L, implicit), lambda X: solve_dense(X, L, h), h)
        assert implicit.norm() <= start * (1 + 1e-9)
    assert explicit.norm() > 1e6 * start


def test_verlet_is_undone_exactly():
    Y, Z = torch.randn(2, 2, 3, 5, 4, dtype=torch.float64)
    f, g = torch.sin, lambda X: -torch.tanh(X)
    there = verlet(Y, Z, f, g, 0.3)
    torch.testing.assert_close(verlet_inverse(*there, f, g, 0.3), (Y, Z))


def test_leapfrog_is_its_own_inverse():
    Y_previous, Y = torch.randn(2, 2, 3, 5, 4, dtype=torch.float64)
    after = leapfrog(Y_previous, Y, -torch.tanh(Y), 0.3)
    torch.testing.assert_close(leapfrog(after, Y, -torch.tanh(Y), 0.3), Y_previous)


@pytest.mark.parametrize(("scheme", "order"), [("verlet", 1), ("leapfrog", 2)])
def test_order_of_reversible_schemes_by_slope(scheme: str, order: int, A: Tensor):
    """∂ₜₜY = AY with exact starting values, against cos(√-A t) Y₀ (from rest)."""
    eigenvalues, vectors = torch.linalg.eigh(-A[0])
    start = torch.randn(1, 1, SIZE, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(3))

    def exact(t: float) -> Tensor:
        cosine = vectors @ torch.diag((eigenvalues.sqrt() * t).cos()) @ vectors.T
        return apply(cosine[None], start)

    errors = []
    for n_steps in (32, 64, 128):
        h = 1 / n_steps
        if scheme == "verlet":  # ∂ₜY = Z, ∂ₜZ = AY
            Y, Z = start, torch.zeros_like(start)
            for _ in range(n_steps):
                Y, Z = verlet(Y, Z, lambda Z: Z, lambda Y: apply(A, Y), h)
        else:
            before, Y = exact(-h), start
            for _ in range(n_steps):
                before, Y = Y, leapfrog(before, Y, apply(A, Y), h)
        errors.append((Y - exact(1.0)).norm().item())
    slopes = [math.log2(errors[i] / errors[i + 1]) for i in range(2)]
    assert slopes == pytest.approx([order, order], abs=0.1)


def test_energy_stays_bounded_over_a_thousand_verlet_steps():
    """∂ₜY = Z, ∂ₜZ = -Y: ½(Y² + Z²) is conserved; forward Euler with the same step would grow 10¹⁷-fold."""
    Y, Z = torch.randn(2, 10, dtype=torch.float64)
    energy = Y.square() + Z.square()
    for _ in range(1000):
        Y, Z = verlet(Y, Z, lambda Z: Z, lambda Y: -Y, 0.2)
        assert ((Y.square() + Z.square()) / energy - 1).abs().max() < 0.25
