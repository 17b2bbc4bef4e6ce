"""Extending an image, its adjoint, and stencils on extended images."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from imexseg.numerics.boundary import BOUNDARIES, check_boundary, extend, extend_adjoint
from imexseg.numerics.depthwise import stencil_product, stencil_product_adjoint

every_boundary = pytest.mark.parametrize("boundary", BOUNDARIES)


@every_boundary
@given(height=st.integers(1, 6), width=st.integers(1, 6))
def test_extend_is_torchs_padding_and_its_adjoint_is_the_adjoint(boundary: str, height: int, width: int):
    Y = torch.randn(2, 3, height, width, dtype=torch.float64)
    Z = torch.randn(2, 3, height + 2, width + 2, dtype=torch.float64)
    mode = {"periodic": "circular", "reflect": "replicate", "zero": "constant"}[boundary]
    assert torch.equal(extend(Y, boundary), F.pad(Y, (1, 1, 1, 1), mode=mode))
    torch.testing.assert_close((extend(Y, boundary) * Z).sum(), (Y * extend_adjoint(Z, boundary)).sum())


@every_boundary
def test_gradients_of_extend(boundary: str):
    Y = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    Z = torch.randn(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda Y: extend(Y, boundary), Y)
    assert torch.autograd.gradcheck(lambda Z: extend_adjoint(Z, boundary), Z)


def test_an_unknown_boundary_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="unknown boundary 'mirror'; choose one of periodic, reflect, zero"):
        check_boundary("mirror")


@pytest.mark.parametrize("padding", [0, 1])
def test_stencil_products_are_depthwise_convolutions_with_their_gradients(padding: int):
    torch.manual_seed(0)
    P = torch.randn(2, 3, 6 - 2 * padding, 7 - 2 * padding, dtype=torch.float64, requires_grad=True)
    Z = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(stencil_product(P, weight, padding), F.conv2d(P, weight, padding=padding, groups=3))
    expected = F.conv_transpose2d(Z, weight, padding=padding, groups=3)
    torch.testing.assert_close(stencil_product_adjoint(Z, weight, padding), expected)
    assert torch.autograd.gradcheck(stencil_product, (P, weight, padding))
    assert torch.autograd.gradcheck(stencil_product_adjoint, (Z, weight, padding))
    assert torch.autograd.gradgradcheck(stencil_product, (P, weight, padding))
