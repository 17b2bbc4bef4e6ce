"""Every part that the solve is compared with, against its equation written slowly in float64; and what is equal among them."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from benchmarks.contenders.attention import LinearAttention
from benchmarks.contenders.averaged import SolveOnAverages
from benchmarks.contenders.coarse import CoarseBranch
from benchmarks.contenders.fourier import FreeFilter
from benchmarks.contenders.hartley import SharedHartley
from benchmarks.contenders.heat import GatedHeat
from benchmarks.contenders.network import FORMS, NAMES, PARTS, PREFIX, register
from benchmarks.contenders.statistics import GlobalMean, SqueezeExcite
from benchmarks.contenders.wide import DilatedAttention, Separable31
from benchmarks.real_sets import CAMVID, CCP_TEN, FACADE, TILES, VESSELS
from imexseg.layers.solve_modes import solves
from imexseg.models.build import build_network, model_config
from imexseg.models.count import count_parameters, multiply_adds
from tests.numerics.dense_matrices import five_point, stencil_matrix

C, H, W = 3, 7, 6


def made(part: nn.Module) -> nn.Module:
    """With weights that are no special case: batch statistics, ones and zeros hide mistakes."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in part.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return part.double().eval()


@pytest.fixture
def X() -> torch.Tensor:
    return torch.randn(2, C, H, W, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def network(part: str, form: str, num_classes: int = 11, channels: int = 3) -> nn.Module:
    register()
    images = {"in_channels": channels, "mean": (0.0,) * channels, "std": (1.0,) * channels}
    return build_network(model_config(f"{PREFIX}{part}:{form}", num_classes=num_classes, **images))


def test_global_mean(X):
    part = made(GlobalMean(C))
    for b in range(2):
        for c in range(C):
            plane = X[b, c]
            expected = part.own[c] * plane + part.mean[c] * sum(plane.flatten().tolist()) / plane.numel()
            assert_close(part(X)[b, c], expected)


def test_squeeze_excite(X):
    part = made(SqueezeExcite(C, reduction=2))
    z = X.sum((2, 3)) / (H * W)
    hidden = (z @ part.squeeze.weight[:, :, 0, 0].T + part.squeeze.bias).clamp(min=0)
    gate = 1 / (1 + torch.exp(-(hidden @ part.excite.weight[:, :, 0, 0].T + part.excite.bias)))
    assert_close(part(X), torch.einsum("bchw,bc->bchw", X, gate))


def test_coarse_branch_averages_and_interpolates(X):
    """Where its steps are taken out, X plus the block averages between which the answer is linear; else only they differ."""
    part = made(CoarseBranch(C, pool=2))
    steps, part.steps = part.steps, nn.Identity()
    grid = torch.zeros(2, C, 8, 8, dtype=X.dtype)
    grid[:, :, :, 4:] = 1.0
    rising = torch.tensor([0, 0, 0, 0.25, 0.75, 1, 1, 1], dtype=X.dtype)  # between block centres, linearly
    assert_close(part(grid) - grid, rising.expand(2, C, 8, 8))
    part.steps = steps
    alone = nn.functional.avg_pool2d(grid, 2)
    for step in steps:
        alone = step.norm(alone + step.term(alone))
    assert_close(part(grid) - grid, nn.functional.interpolate(alone, (8, 8), mode="bilinear"))


def test_solve_on_averages(X):
    """By matrices: averages of 2 × 2 points, the last of them of fewer where the side is odd, and (I + hL) assembled."""
    part = made(SolveOnAverages(C, 0.1, 24, pool=2))
    averages = torch.zeros(2, C, 4, 3, dtype=X.dtype)
    for i in range(4):
        for j in range(3):
            averages[:, :, i, j] = X[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean((2, 3))
    L = stencil_matrix(five_point(part.solve.diffusion()), 4, 3, "zero")
    solved = torch.linalg.solve(torch.eye(12, dtype=X.dtype) + L, averages.flatten(2)[..., None])[..., 0]
    change = (solved - averages.flatten(2)).view_as(averages)
    assert_close(part(X) - X, nn.functional.interpolate(change, (H, W), mode="bilinear"))


def test_solve_of_blocks_is_implicit_in_the_means_of_blocks():
    """(I + hPᵀLP)⁻¹ assembled: P has a row for each block of 2 × 2 points, each entry a half."""
    part = made(SolveOnAverages(C, 0.1, 24, pool=2, mode="nearest"))
    X = torch.randn(2, C, 8, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    P = torch.zeros(12, 48, dtype=X.dtype)
    for i in range(8):
        for j in range(6):
            P[3 * (i // 2) + j // 2, 6 * i + j] = 0.5
    L = P.T @ stencil_matrix(five_point(part.solve.diffusion()), 4, 3, "zero") @ P
    expected = torch.linalg.solve(torch.eye(48, dtype=X.dtype) + L, X.flatten(2)[..., None])[..., 0]
    assert_close(part(X), expected.view_as(X))


def test_separable_kernel_is_the_outer_product(X):
    part = made(Separable31(C, taps=5))
    rows, columns = part.rows.weight[:, 0, :, 0], part.columns.weight[:, 0, 0, :]
    with torch.no_grad():
        part.rows.bias.zero_()
    expected = X.clone() + part.columns.bias.view(-1, 1, 1)
    for i in range(H):
        for j in range(W):
            for p in range(5):
                for q in range(5):
                    if 0 <= i + p - 2 < H and 0 <= j + q - 2 < W:
                        expected[:, :, i, j] += rows[:, p] * columns[:, q] * X[:, :, i + p - 2, j + q - 2]
    assert_close(part(X), expected)


def test_dilated_attention_by_its_kernel():
    """The answer to one bright point in the middle of a field of the gate alone: W times the product of four stencils."""
    part = made(DilatedAttention(C))
    with torch.no_grad():
        for convolution in [*part.near, *part.far]:
            convolution.bias.zero_()
    n = 31
    point = torch.zeros(1, C, n, n, dtype=torch.float64)
    point[0, :, 15, 15] = 1.0
    gate = part(point)[0, :, 15, 15]  # X · gate is seen at the point alone, the centre of the kernel
    centre = [conv.weight[:, 0].flatten(1)[:, conv.weight[0, 0].numel() // 2] for conv in [*part.near, *part.far]]
    # The only ways back to the centre: 0, or 3 points near and one dilated tap; the near stencils reach 2, so it is 0.
    assert_close(gate, part.couple.weight[:, :, 0, 0] @ math.prod(centre) + part.couple.bias)
    reached = part.far(part.near(point))[0, 0]
    seen = (reached != 0).nonzero()
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [23, 23]
    assert_close(part(X := torch.randn(1, C, 9, 9, dtype=torch.float64)), X * part.couple(part.far(part.near(X))))


@pytest.mark.parametrize("size", [(7, 6), (6, 7), (4, 3)])  # the last has fewer modes than the filter
def test_free_filter_against_the_fft(size):
    part = made(FreeFilter(C, largest=2))
    X = torch.randn(2, C, *size, dtype=torch.float64)
    G = torch.ones(C, size[0], size[1] // 2 + 1, dtype=torch.complex128)
    m1, m2 = (min(2, (n - 1) // 2) for n in size)
    for k1 in range(-m1, m1 + 1):
        for k2 in range(m2 + 1):
            G[:, k1, k2] += torch.complex(part.filter[0, :, k1 + 2, k2], part.filter[1, :, k1 + 2, k2])
    assert_close(part(X), torch.fft.irfft2(G * torch.fft.rfft2(X), s=size))


def test_hartley_against_its_definition(X):
    part = made(SharedHartley(C, largest=2))
    R = part.shared.weight[:, :, 0, 0]
    expected = X.clone()
    i, j = torch.meshgrid(torch.arange(H).double(), torch.arange(W).double(), indexing="ij")
    for k1 in range(-2, 3):
        for k2 in range(-2, 3):
            angle = 2 * torch.pi * (k1 * i / H + k2 * j / W)
            cas = angle.cos() + angle.sin()
            expected += torch.einsum("oc,bc,hw->bohw", R, (X * cas).sum((2, 3)), cas) / (H * W)
    assert_close(part(X), expected)


def test_heat_against_the_matrix_exponential(X):
    part = made(GatedHeat(C, 0.5, 3.0))
    L = stencil_matrix(five_point(part.heat.diffusion()), H, W, "reflect")
    heated = (torch.linalg.matrix_exp(-L) @ X.flatten(2)[..., None]).view_as(X)
    z = torch.einsum("oc,bchw->bohw", part.gate.weight[:, :, 0, 0], X) + part.gate.bias.view(-1, 1, 1)
    assert_close(part(X), heated * z / (1 + torch.exp(-z)))


def test_linear_attention_against_the_sum_over_pairs(X):
    part = made(LinearAttention(C, keys=2))

    def phi(x):
        return torch.where(x > 0, x, x.exp() - 1) + 1

    Q, K, V = phi(part.query(X)).flatten(2), phi(part.key(X)).flatten(2), X.flatten(2)
    expected = torch.zeros_like(V)
    for n in range(H * W):
        weights = [(Q[:, :, n] * K[:, :, m]).sum(1, keepdim=True) for m in range(H * W)]
        expected[:, :, n] = sum(w * V[:, :, m] for m, w in enumerate(weights)) / sum(weights)
    assert_close(part(X), X + part.scale * expected.view_as(X))


@pytest.mark.parametrize("form", FORMS)
def test_weights_are_matched_whatever_the_classes(form):
    for classes in (CAMVID, CCP_TEN, FACADE, TILES, VESSELS):
        weights = {part: count_parameters(network(part, form, len(classes))) for part in NAMES}
        goal = weights["solve-zero"]
        assert all(abs(n / goal - 1) < 0.03 for n in weights.values()), weights


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("part", NAMES)
def test_the_part_is_in_every_step_that_had_a_solve(part, form):
    """And trains: every weight gets a gradient. Those with a solve have one for each step, the others none."""
    net = network(part, form)
    image = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    net(image).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in net.parameters())
    steps = [step for step in net.backbone.steps()[-1].children() if type(step).__name__ == "ImexStep"]
    expected = PARTS[part](net.config.stages[-1], 0) if part in PARTS and part != "coarse-branch" else None
    assert len(steps) == 4
    assert expected is None or all(type(step.solve) is type(expected) for step in steps)
    if part == "coarse-branch":
        assert [isinstance(step.solve, CoarseBranch) for step in steps] == [False, False, True, False]
    assert len(solves(net)) == (4 if part.startswith("solve") or part in ("heat", "coarse-solve", "block-solve") else 0)
    assert multiply_adds(net.eval(), image[:1]) > 0
