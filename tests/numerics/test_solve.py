"""(I + hL)⁻¹: one operator, several implementations, one set of properties for all of them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from dense_matrices import five_point, solve_dense, stencil_matrix
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from imexseg.numerics import resolvent, strips, sweeps
from imexseg.numerics.dirichlet import SINES, dirichlet_symbol, solve_sine
from imexseg.numerics.reflective import COSINES, reflective_symbol, solve_cosine
from imexseg.numerics.resolvent import resolvent_symbol, solve_matmul, solve_rfft
from imexseg.numerics.stencils import random_stencils, symbol, zero_mean
from imexseg.numerics.sweeps import Waves, solve_swept

CHANNELS = 3


Solve = Callable[[Tensor, Tensor, float], Tensor]  # (X, weight, h) ↦ (I + hL)⁻¹X


@dataclass(frozen=True)
class Case:
    """An implementation, and L as a matrix assembled without any transform."""

    solve: Solve
    weight: Callable[[], Tensor]
    matrix: Callable[[Tensor, int, int], Tensor]
    of_length: Callable[[float], Tensor]  # float32 weight of one channel with that decay length for h = 1
    keeps_mean: bool = True


def _spectral(solve: Callable[[Tensor, Tensor], Tensor], symbol_of: Callable[[Tensor, int, int], Tensor]) -> Solve:
    def whole(X: Tensor, weight: Tensor, h: float) -> Tensor:
        with torch.autocast("cpu", enabled=False):  # as the layer does
            rho = resolvent_symbol(symbol_of(weight, *X.shape[-2:]), h)
        return solve(X, rho)

    return whole


def _swept(waves: Waves) -> Solve:
    return lambda X, alpha, h: solve_swept(X, h * alpha, waves)


def _normal_matrix(B: Tensor, height: int, width: int) -> Tensor:
    matrix = stencil_matrix(B, height, width, "periodic")
    return matrix.transpose(1, 2) @ matrix


def _five_point_matrix(boundary: str) -> Callable[[Tensor, int, int], Tensor]:
    return lambda alpha, height, width: stencil_matrix(five_point(alpha), height, width, boundary)


def _stencils() -> Tensor:
    return zero_mean(random_stencils(CHANNELS, 1.0).double())


def _alpha() -> Tensor:
    return 5 * torch.rand(CHANNELS, 2, dtype=torch.float64)


def _stencil_of_length(length: float) -> Tensor:
    return zero_mean(random_stencils(1, 1.0, shortest=length, longest=length))


def _alpha_of_length(length: float) -> Tensor:
    return torch.tensor([[length**2, length**2 / 2]])


_ON_STENCILS = (_stencils, _normal_matrix, _stencil_of_length)
_MIRRORED = (_alpha, _five_point_matrix("reflect"), _alpha_of_length)
_ZERO = (_alpha, _five_point_matrix("zero"), _alpha_of_length, False)
CASES = {
    "periodic rfft": Case(_spectral(solve_rfft, symbol), *_ON_STENCILS),
    "periodic matmul": Case(_spectral(solve_matmul, symbol), *_ON_STENCILS),
    "reflect matmul": Case(_spectral(solve_cosine, reflective_symbol), *_MIRRORED),
    "reflect swept": Case(_swept(COSINES), *_MIRRORED),
    "zero matmul": Case(_spectral(solve_sine, dirichlet_symbol), *_ZERO),
    "zero swept": Case(_swept(SINES), *_ZERO),
}
every_implementation = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


@every_implementation
@given(height=st.integers(1, 9), width=st.integers(1, 9), h=st.sampled_from([0.1, 1.0, 30.0]), seed=st.integers(0, 99))
def test_equals_the_dense_solve_and_leaves_no_residual(case: Case, height: int, width: int, h: float, seed: int):
    torch.manual_seed(seed)
    weight, X = case.weight(), torch.randn(2, CHANNELS, height, width, dtype=torch.float64)
    found = case.solve(X, weight, h)
    L = case.matrix(weight, height, width)
    torch.testing.assert_close(found, solve_dense(X, L, h), rtol=1e-9, atol=1e-11)
    residual = found.flatten(2) + h * torch.einsum("cij,bcj->bci", L, found.flatten(2)) - X.flatten(2)
    assert residual.abs().max() < 1e-9 * (1 + h * L.abs().max())


@every_implementation
@pytest.mark.parametrize("h", [1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("size", [(16, 16), (7, 10)])
def test_never_amplifies_and_keeps_the_mean_unless_it_flows_over_the_edge(case: Case, h: float, size: tuple[int, int]):
    torch.manual_seed(1)
    X = torch.randn(2, CHANNELS, *size, dtype=torch.float64)
    found = case.solve(X, case.weight(), h)
    assert found.norm() <= X.norm() * (1 + 1e-12)
    constant = case.solve(torch.ones_like(X), case.weight(), h)
    if case.keeps_mean:
        torch.testing.assert_close(found.mean((-2, -1)), X.mean((-2, -1)))
    else:  # what flows over the edge is lost, nowhere more than there
        assert constant.min() > 0
        assert (constant[..., 0, 0] < constant[..., size[0] // 2, size[1] // 2]).all()
        assert constant.max() <= 1 + 1e-12


@every_implementation
def test_is_self_adjoint(case: Case):
    torch.manual_seed(2)
    weight = case.weight()
    X, Y = torch.randn(2, 2, CHANNELS, 6, 9, dtype=torch.float64)
    torch.testing.assert_close((case.solve(X, weight, 2.0) * Y).sum(), (X * case.solve(Y, weight, 2.0)).sum())


@every_implementation
@pytest.mark.parametrize("size", [(4, 5), (5, 4), (1, 3)])
def test_gradients_in_state_and_weights(case: Case, size: tuple[int, int]):
    torch.manual_seed(3)
    X = torch.randn(2, CHANNELS, *size, dtype=torch.float64, requires_grad=True)
    weight = case.weight().requires_grad_()
    assert torch.autograd.gradcheck(lambda X, w: case.solve(X, w, 0.7), (X, weight))


@every_implementation
@pytest.mark.parametrize("length", [1.0, 24.0, 128.0])
@pytest.mark.parametrize("size", [(64, 64), (129, 255), (512, 384)])
def test_float32_is_accurate_to_its_precision(case: Case, size: tuple[int, int], length: float):
    """On waves of every length: noise alone has next to nothing in the long ones, where λ is smallest."""
    torch.manual_seed(4)
    weight = case.of_length(length)
    X = 1 + torch.randn(1, 1, *size) / 10
    exact = case.solve(X.double(), weight.double(), 1.0)
    found = case.solve(X, weight, 1.0)
    assert found.dtype == torch.float32
    # The entries of a 3×3 stencil are as large as its decay length is long, and cancel: rounding them alone costs this much.
    allowed = 8e-6 + (2e-7 * length if case.weight is _stencils else 0)
    assert (found - exact).abs().max() < allowed


@every_implementation
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_solved_in_float32(case: Case, dtype: torch.dtype):
    torch.manual_seed(5)
    weight = case.weight().float()
    # no power of two: no half-precision FFT
    X = torch.randn(1, CHANNELS, 30, 22).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = case.solve(X, weight, 1.0)
    assert found.dtype == dtype
    torch.testing.assert_close(found, case.solve(X.float(), weight, 1.0).to(dtype))


def _solved_and_differentiated(case: Case, X: Tensor, weight: Tensor, G: Tensor) -> list[Tensor]:
    X, weight = X.clone().requires_grad_(), weight.clone().requires_grad_()
    found = case.solve(X, weight, 1.0)
    return [found, *torch.autograd.grad(found, (X, weight), G)]


@pytest.mark.parametrize("n_bytes", [1, 3 * 8 * 48, 10 * 8 * 48, 1 << 40], ids=["plane", "channels", "images", "all"])
@pytest.mark.parametrize("name", ["periodic rfft", "reflect swept", "zero swept"])
def test_blocks_change_nothing(name: str, n_bytes: int, monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(6)
    X, G = torch.randn(2, 5, CHANNELS, 6, 8, dtype=torch.float64)
    weight = CASES[name].weight()
    expected = _solved_and_differentiated(CASES[name], X, weight, G)
    monkeypatch.setattr(resolvent, "CACHE_BLOCK_BYTES", n_bytes)
    monkeypatch.setattr(sweeps, "ENERGY_BYTES", n_bytes)
    for found, value in zip(_solved_and_differentiated(CASES[name], X, weight, G), expected, strict=True):
        torch.testing.assert_close(found, value)


@pytest.mark.parametrize("name", ["reflect", "zero"])
@given(
    height=st.integers(1, 6),
    width=st.integers(5, 40),
    strip=st.integers(3, 12),
    decades=st.integers(-12, 4),
    seed=st.integers(0, 99),
)
def test_strips_and_their_interfaces_change_nothing(
    name: str, height: int, width: int, strip: int, decades: int, seed: int
):
    """Against four products over the whole grid, for channels that hardly diffuse and for others that do far beyond the image."""
    torch.manual_seed(seed)
    X, G = torch.randn(2, 2, CHANNELS, height, width, dtype=torch.float64)
    alpha = torch.rand(CHANNELS, 2, dtype=torch.float64) * torch.tensor([10.0**decades, 1, 1e4]).double()[:, None]
    expected = _solved_and_differentiated(CASES[f"{name} matmul"], X, alpha, G)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strips, "ONE_STRIP", min(4, strip))
        patch.setattr(strips, "STRIP", strip)
        for found, value in zip(_solved_and_differentiated(CASES[f"{name} swept"], X, alpha, G), expected, strict=True):
            torch.testing.assert_close(found, value, rtol=1e-7, atol=1e-9)


@given(n=st.integers(1, 2000))
def test_a_cut_has_every_column_once(n: int):
    parts = strips.cut(n)
    if parts is None:
        assert n <= strips.ONE_STRIP
        return
    interfaces = [*range(n)[parts.interfaces]]
    columns = [*interfaces]
    for alike, joints in parts.strips(wall=1):
        columns += [column for strip in alike for column in range(strip.start, strip.stop)]
        for joint in joints:
            met = [strip.start - 1 if joint.end == 0 else strip.stop for strip in alike[joint.strips]]
            assert met == interfaces[joint.interfaces]
    assert sorted(columns) == [*range(n)]


@pytest.mark.parametrize("name", ["periodic rfft", "reflect swept", "zero swept"])
def test_the_order_in_memory_changes_nothing(name: str):
    torch.manual_seed(7)
    case, X = CASES[name], torch.randn(2, CHANNELS, 6, 9, dtype=torch.float64)
    weight = case.weight()
    torch.testing.assert_close(
        case.solve(X.contiguous(memory_format=torch.channels_last), weight, 1.0), case.solve(X, weight, 1.0)
    )


@every_implementation
def test_training_works_after_predicting_the_same_size(case: Case):
    size = (11, 13)  # asked for nowhere else: the first call builds the constant tables
    with torch.inference_mode():
        case.solve(torch.randn(1, CHANNELS, *size), case.weight().float(), 1.0)
    weight = case.weight().float().requires_grad_()
    X = torch.randn(1, CHANNELS, *size, requires_grad=True)
    case.solve(X, weight, 1.0).sum().backward()
    assert weight.grad is not None


@pytest.mark.parametrize("h", [0, -1, float("nan")])
def test_a_step_size_that_is_not_positive_is_refused(h: float):
    with pytest.raises(ValueError, match="step size h must be positive"):
        resolvent_symbol(torch.ones(1), h)
