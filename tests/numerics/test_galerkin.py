"""Kernels between grids against the product R K P itself, and weights between time grids."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from imexseg.layers.operators import DenseOperator, DepthwiseOperator
from imexseg.numerics.galerkin import (
    coarsen_in_time,
    prolong_diffusion,
    prolong_five_point,
    prolong_image,
    prolong_kernel,
    refine_in_time,
    restrict_diffusion,
    restrict_five_point,
    restrict_image,
    restrict_kernel,
)
from imexseg.numerics.reflective import reflective_symbol
from imexseg.numerics.stencils import decay_length, random_stencils

precisions = pytest.mark.parametrize("dtype", [torch.float64, torch.float32])


def matrix_of(linear, *shape: int, dtype: torch.dtype) -> Tensor:
    """The matrix of a linear map on images of a shape, column by column."""
    n = torch.Size(shape).numel()
    return linear(torch.eye(n, dtype=dtype).view(n, *shape)).flatten(1).T


def dense(weight: Tensor) -> DenseOperator:
    operator = DenseOperator(weight.shape[0]).to(weight.dtype).requires_grad_(False)
    operator.weight.copy_(weight)
    return operator


@precisions
@pytest.mark.parametrize(("height", "width"), [(6, 6), (8, 6), (4, 10), (6, 2)])
def test_the_coarse_kernel_is_R_K_P_as_matrices(dtype: torch.dtype, height: int, width: int):
    """Two channels, so that coupling is seen; coarse grids down to 3×1, where the kernel wraps round onto itself."""
    kernel = torch.randn(2, 2, 3, 3, dtype=dtype, generator=torch.Generator().manual_seed(0))
    R = matrix_of(restrict_image, 2, height, width, dtype=dtype)
    P = matrix_of(prolong_image, 2, height // 2, width // 2, dtype=dtype)
    assert torch.equal(P, 4 * R.T)
    K = matrix_of(dense(kernel), 2, height, width, dtype=dtype)
    coarse = matrix_of(dense(restrict_kernel(kernel)), 2, height // 2, width // 2, dtype=dtype)
    torch.testing.assert_close(coarse, R @ K @ P)
    # The adjoint of the coarse operator is the coarse operator of the adjoint: R Kᵀ P = (R K P)ᵀ.
    torch.testing.assert_close(coarse.T, R @ K.T @ P)
    fine = matrix_of(dense(prolong_kernel(kernel)), 2, height, width, dtype=dtype)
    torch.testing.assert_close(R @ fine @ P, matrix_of(dense(kernel), 2, height // 2, width // 2, dtype=dtype))


@precisions
@given(seed=st.integers(0, 99))
def test_prolongation_and_restriction_of_kernels_undo_each_other(dtype: torch.dtype, seed: int):
    K = torch.randn(4, 3, 3, 3, dtype=dtype, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(restrict_kernel(prolong_kernel(K)), K)
    torch.testing.assert_close(prolong_kernel(restrict_kernel(K)), K)
    torch.testing.assert_close(restrict_kernel(K).sum((-2, -1)), K.sum((-2, -1)))
    Y = K[..., :1, :2]
    assert torch.equal(restrict_image(prolong_image(Y)), Y)


@precisions
def test_five_point_stencils_stay_five_point(dtype: torch.dtype):
    operator = DepthwiseOperator(3).to(dtype).requires_grad_(False)
    nine = operator._weight()[:, 0]
    for map_nine, map_five in ((restrict_kernel, restrict_five_point), (prolong_kernel, prolong_five_point)):
        found = map_nine(nine)
        assert not found[:, ::2, ::2].any()  # the corners
        operator.stencil.copy_(map_five(operator.stencil))
        assert torch.equal(operator._weight()[:, 0], found)
        nine = found
    coupling = torch.zeros(3, 3)
    coupling[1, 1] = 1.7
    assert torch.equal(restrict_kernel(coupling), coupling)


def test_first_derivatives_are_kept_second_ones_doubled():
    """In physical length; the pixel of the coarse grid is two of the fine one's."""
    gradient, laplacian = torch.zeros(2, 3, 3)
    gradient[1] = torch.tensor([-0.5, 0, 0.5])  # ∂x at spacing 1
    laplacian[1] = torch.tensor([-1.0, 2, -1])  # -∂xx at spacing 1
    assert torch.equal(restrict_kernel(gradient), gradient / 2)  # ∂x at spacing 2
    assert torch.equal(restrict_kernel(laplacian), 2 * laplacian / 4)


@precisions
def test_stencils_of_L_keep_zero_mean_and_their_decay_length_in_image_pixels(dtype: torch.dtype):
    B = random_stencils(16, 0.5, generator=torch.Generator().manual_seed(1)).to(dtype)
    coarse = restrict_kernel(B)
    assert coarse.sum((-2, -1)).abs().max() < 1e-6 * B.abs().max()
    torch.testing.assert_close(2 * decay_length(coarse, 0.5), decay_length(B, 0.5), rtol=1e-4, atol=1e-4)
    alpha = torch.rand(4, 2, dtype=dtype)
    torch.testing.assert_close(prolong_diffusion(restrict_diffusion(alpha)), alpha)
    # The slowest wave of the image has one symbol on both grids, to the accuracy of the coarser one.
    coarse_symbol, symbol = reflective_symbol(restrict_diffusion(alpha), 32, 32), reflective_symbol(alpha, 64, 64)
    torch.testing.assert_close(coarse_symbol[:, 1, 1], symbol[:, 1, 1], rtol=2e-3, atol=0)


def test_refining_in_time_is_piecewise_linear():
    theta = torch.tensor([[1.0, 0.0], [3.0, 4.0], [5.0, 8.0]])
    found = refine_in_time(theta)
    assert found[:, 0].tolist() == [1, 2, 3, 4, 5, 5]
    assert found[:, 1].tolist() == [0, 2, 4, 6, 8, 8]
    assert torch.equal(coarsen_in_time(found), theta)
    assert refine_in_time(torch.tensor([[7], [9]])).flatten().tolist() == [7, 7, 9, 9]
    assert refine_in_time(theta[:1]).tolist() == [[1, 0], [1, 0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: restrict_kernel(torch.zeros(2, 4, 4)), "3 x 3, got 4 x 4"),
        (lambda: prolong_five_point(torch.zeros(2, 9)), "5 weights, got 9"),
        (lambda: restrict_image(torch.zeros(1, 5, 4)), "even sizes can be halved, got 5 x 4"),
        (lambda: coarsen_in_time(torch.zeros(3, 2)), "even number of steps can be halved, got 3"),
    ],
)
def test_what_cannot_be_mapped_is_refused(call, message: str):
    with pytest.raises(ValueError, match=message):
        call()
