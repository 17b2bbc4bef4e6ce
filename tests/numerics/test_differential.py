"""θ ↔ β: that each coefficient is the derivative whose name it has."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from imexseg.numerics.differential import (
    NAMES,
    coefficients_1d,
    coefficients_2d,
    derivatives,
    operator_text,
    shares,
    stencil_1d,
    stencil_2d,
)

ORDERS = [(a, b) for a in range(3) for b in range(3)]


def one(order: tuple[int, int]) -> Tensor:
    """β of one operator alone, with the sign that makes it the derivative itself."""
    beta = torch.zeros(3, 3, dtype=torch.float64)
    beta[order] = -1.0 if (order[0] == 2) != (order[1] == 2) else 1.0
    return beta


def applied(theta: Tensor, function, x: float, y: float, spacing: float) -> float:
    """Σ θ[p, q] · function(x + q hₓ, y + p hₓ): rows are y."""
    return sum(
        float(theta[p + 1, q + 1]) * function(x + q * spacing, y + p * spacing) for p in (-1, 0, 1) for q in (-1, 0, 1)
    )


@given(seed=st.integers(0, 99), spacing=st.floats(0.01, 8))
def test_both_directions_undo_each_other(seed: int, spacing: float):
    theta = torch.randn(4, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(stencil_2d(coefficients_2d(theta, spacing), spacing), theta)
    torch.testing.assert_close(stencil_1d(coefficients_1d(theta, spacing), spacing), theta)


def test_the_system_of_the_slides():
    """β₁/4 [1 2 1] + β₂/(2hₓ) [-1 0 1] + β₃/hₓ² [-1 2 -1]."""
    found = stencil_1d(torch.tensor([4.0, 2.0, 1.0]), spacing=0.5)
    assert found.tolist() == [1 - 2 - 4, 2 + 8, 1 + 2 - 4]
    torch.testing.assert_close(coefficients_1d(found, spacing=0.5), torch.tensor([4.0, 2.0, 1.0]))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("spacing", [0.5, 2.0])
def test_exact_on_monomials_of_its_own_order(order: tuple[int, int], spacing: float):
    """∂y^a ∂x^b of y^a x^b is a! b!, of every other monomial of these orders at 0 it is 0 or smoothing."""
    a, b = order
    theta = stencil_2d(one(order), spacing)
    assert applied(theta, lambda x, y: y**a * x**b, 0.0, 0.0, spacing) == pytest.approx(
        math.factorial(a) * math.factorial(b)
    )
    for power in [(p, q) for p in range(a + 1) for q in range(b + 1) if (p, q) != order]:
        assert applied(theta, lambda x, y, p=power: y ** p[0] * x ** p[1], 0.0, 0.0, spacing) == pytest.approx(0)


@pytest.mark.parametrize("order", ORDERS)
def test_second_order_by_slope(order: tuple[int, int]):
    """Against the derivatives of sin(x + 0.3) sin(2y - 0.4), at hₓ = 0.1, 0.05, 0.025: the error falls by four."""
    a, b = order
    x, y = 0.7, 0.8
    exact = 2**a * math.sin(x + 0.3 + b * math.pi / 2) * math.sin(2 * y - 0.4 + a * math.pi / 2)

    def error(h: float) -> float:
        found = applied(stencil_2d(one(order), h), lambda x, y: math.sin(x + 0.3) * math.sin(2 * y - 0.4), x, y, h)
        return abs(found - exact)

    errors = [error(h) for h in (0.1, 0.05, 0.025)]
    assert [math.log2(errors[i] / errors[i + 1]) for i in range(2)] == pytest.approx([2, 2], abs=0.1)


def test_text_says_what_a_person_would():
    laplacian = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    # Five points: exactly ∂xx + ∂yy, but for the smoothing that the other axis' [1 2 1] has and this stencil has not.
    assert operator_text(laplacian) == "1 ∂xx + 1 ∂yy − 0.5 ∂xxyy"
    assert operator_text(laplacian, smallest=0.6) == "1 ∂xx + 1 ∂yy + …"
    theta = stencil_2d(torch.tensor([[1.02, -0.31, -0.5], [0, 0, 0], [0, 0, 0.001]]))
    assert operator_text(theta) == "1.02 − 0.31 ∂x + 0.5 ∂xx"
    assert operator_text(theta, digits=3) == "1.02 − 0.31 ∂x + 0.5 ∂xx + 0.001 ∂xxyy"
    row = torch.zeros(3, 3)
    row[1] = torch.tensor([-1.0, 2, -1])
    assert operator_text(row).startswith("−1 ∂xx")
    assert operator_text(row.T).startswith("−1 ∂yy")
    assert operator_text(torch.zeros(3, 3)) == "0"
    assert operator_text(stencil_2d(one((1, 0)))) == "1 ∂y"  # down the rows


def test_names_and_shares_stand_at_the_order_they_belong_to():
    for a, b in ORDERS:
        assert (NAMES[a][b].count("y"), NAMES[a][b].count("x")) == (a, b)
        assert derivatives(stencil_2d(one((a, b))))[a, b] == pytest.approx(1)
        assert shares(stencil_2d(3 * one((a, b))))[a, b] == pytest.approx(1)
    torch.testing.assert_close(shares(torch.randn(5, 3, 3)).sum((-2, -1)), torch.ones(5))
    assert not shares(torch.zeros(3, 3)).any()


@pytest.mark.parametrize("spacing", [0.0, -1.0])
def test_a_spacing_that_is_not_positive_is_refused(spacing: float):
    for function in (stencil_1d, coefficients_1d, stencil_2d, coefficients_2d):
        with pytest.raises(ValueError, match="spacing must be positive"):
            function(torch.zeros(3, 3), spacing)
