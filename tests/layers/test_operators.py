"""Every operator K has an adjoint and knows its grid."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imexseg.layers.operators import OPERATORS
from imexseg.numerics.boundary import BOUNDARIES

every_operator = pytest.mark.parametrize("operator", OPERATORS)
every_boundary = pytest.mark.parametrize("boundary", BOUNDARIES)


@every_operator
@every_boundary
@given(height=st.integers(1, 7), width=st.integers(1, 7), channels=st.integers(1, 5))
def test_adjoint_identity(operator: str, boundary: str, height: int, width: int, channels: int):
    K = OPERATORS[operator](channels, boundary).double()
    Y, X = torch.randn(2, 2, channels, height, width, dtype=torch.float64)
    torch.testing.assert_close((K(Y) * X).sum(), (Y * K.adjoint(X)).sum())


@every_operator
@every_boundary
def test_gradients(operator: str, boundary: str):
    K = OPERATORS[operator](2, boundary).double()
    Y = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    weights = tuple(K.parameters())

    def both(Y: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        return K(Y) + K.adjoint(Y)

    assert torch.autograd.gradcheck(both, (Y, *weights))


@every_operator
def test_reaches_one_pixel_and_no_farther(operator: str):
    K = OPERATORS[operator](2).double()
    impulse = torch.zeros(1, 2, 9, 9, dtype=torch.float64)
    impulse[..., 4, 4] = 1
    for response in (K(impulse), K.adjoint(impulse)):
        touched = response.abs().sum((0, 1)) > 0
        assert touched[3:6, 3:6].sum() == (5 if operator == "lean" else 9)
        touched[3:6, 3:6] = False
        assert not touched.any()


@pytest.mark.parametrize(("operator", "expected"), [("dense", 9 * 64), ("lean", 64 + 5 * 8), ("separable", 64 + 9 * 8)])
def test_number_of_weights(operator: str, expected: int):
    assert sum(weight.numel() for weight in OPERATORS[operator](8).parameters()) == expected
