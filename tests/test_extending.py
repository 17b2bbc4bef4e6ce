"""docs/extending.md, followed from outside of the package: an operator, a boundary, a dynamics and a kind of network."""

import math
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import imexseg
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions
from imexseg.inference.predictor import Predictor
from imexseg.layers.dynamics import DYNAMICS, implicit_steps
from imexseg.layers.flows import Dynamics
from imexseg.layers.grid import GridChange
from imexseg.layers.implicit import SOLVES, DiffusionSolve
from imexseg.layers.operators import OPERATORS, Operator
from imexseg.layers.steps import ImexStep
from imexseg.layers.terms import ParabolicTerm
from imexseg.models.build import KINDS, Kind, build_network, model_config
from imexseg.models.config import ImageConfig
from imexseg.models.contract import ImageNetwork
from imexseg.models.info import ModelInfo
from imexseg.models.prolongation import to_coarser_grid, to_finer_grid
from imexseg.models.recipes import OF_NAME, Recipe
from imexseg.numerics.boundary import BOUNDARIES, Ring, extend, extend_adjoint, for_convolution
from imexseg.numerics.resolvent import in_float32
from imexseg.numerics.stability import Linear, imex_limit
from imexseg.report.inspect.measure import inspect_network

sys.path.insert(0, str(Path(__file__).parent / "training"))
from tiny_runs import train


class GroupedOperator(Operator):
    """K: a 3×3 convolution in two groups of channels, 4.5C² weights."""

    def __init__(self, channels: int, boundary: str = "periodic"):
        super().__init__()
        self.boundary = boundary
        self.weight = nn.Parameter(torch.randn(channels, channels // 2, 3, 3) / math.sqrt(4.5 * channels))

    def forward(self, Y: Tensor) -> Tensor:
        P, padding = for_convolution(Y, self.boundary)
        return F.conv2d(P, self.weight, padding=padding, groups=2)

    def adjoint(self, Z: Tensor) -> Tensor:
        padding = BOUNDARIES[self.boundary].padding
        P = F.conv_transpose2d(Z, self.weight, padding=padding, groups=2)
        return P if padding else extend_adjoint(P, self.boundary)

    def kernels(self) -> Tensor:
        return self.weight

    def change_grid(self, change: GridChange) -> None:
        self.weight.copy_(change.kernel(self.weight))


def sines(n: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """The orthonormal DST-II, (n, n), and the eigenvalues of -∂² in its basis: the image continues with its sign turned."""
    j, i = torch.arange(1, n + 1, dtype=torch.float64), torch.arange(n, dtype=torch.float64)
    S = (torch.outer(j, 2 * i + 1) * (torch.pi / (2 * n))).sin() * (2 / n) ** 0.5
    S[-1] /= 2**0.5
    return S.to(like), (4 * (j * (torch.pi / (2 * n))).sin() ** 2).to(like)


def odd_symbol(alpha: Tensor, height: int, width: int) -> Tensor:
    first, second = sines(height, alpha)[1], sines(width, alpha)[1]
    return alpha[:, 0, None, None] * first[:, None] + alpha[:, 1, None, None] * second


def solve_odd(X: Tensor, rho: Tensor) -> Tensor:
    def product(X: Tensor, rho: Tensor) -> Tensor:
        S1, S2 = (sines(side, X)[0] for side in X.shape[-2:])
        return S1.T @ (rho * (S1 @ X @ S2.T)) @ S2

    return in_float32(product, X, rho)


class OddSolve(DiffusionSolve):
    """Zero on the edge of the pixels: the ring is the edge with its sign turned."""

    symbol = staticmethod(odd_symbol)
    by_products = staticmethod(solve_odd)


class TwiceSolvedStep(ImexStep):
    """Y⁺ = Y + h (I + hL)⁻² f(Y)."""

    def advance(self, Y: Tensor) -> Tensor:
        return Y + self.step_size * self.solve(self.solve(self.term(Y)))

    def _at(self, X: Tensor, h: float) -> Tensor:
        return self.solve.at(self.solve.at(X, h), h)

    def largest_step(self, A: Linear, start: Tensor) -> float:
        return imex_limit(A, self._at, start)

    def derivative(self, J: Linear, v: Tensor) -> Tensor:
        return v + self.step_size * self._at(J(v), self.step_size)

    def transposed_derivative(self, JT: Linear, v: Tensor) -> Tensor:
        return v + self.step_size * JT(self._at(v, self.step_size))


class PixelConfig(ImageConfig):
    width: int = 4


class PixelNetwork(ImageNetwork):
    """Two convolutions: the smallest network that keeps the contract."""

    config: PixelConfig

    def __init__(self, config: PixelConfig):
        super().__init__(config, total_stride=1)
        self.first = nn.Conv2d(config.in_channels, config.width, 3, padding=1)
        self.last = nn.Conv2d(config.width, config.num_classes, 1)

    def logits(self, image: Tensor) -> Tensor:
        return self.last(self.first(image).relu())

    def field_of_view(self) -> int:
        return 3


def pixel_settings(name: str) -> dict | None:
    return {"width": int(name.removeprefix("pixel-"))} if name.startswith("pixel-") else None


@pytest.fixture
def extended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATORS, "grouped", GroupedOperator)
    monkeypatch.setitem(BOUNDARIES, "odd", Ring(0, -1, factor=-1.0))
    monkeypatch.setitem(SOLVES, "odd", OddSolve)
    row = Dynamics("(I+hL)²(Y⁺ - Y) = -h Kᵀσ(N(KY))", implicit_steps(TwiceSolvedStep, ParabolicTerm), "parabolic")
    monkeypatch.setitem(DYNAMICS, "twice", row)
    monkeypatch.setattr("imexseg.models.build.KINDS", [*KINDS, Kind(PixelConfig, PixelNetwork, pixel_settings)])
    monkeypatch.setitem(OF_NAME, "pixel-6", Recipe(learning_rate=3e-3))


OWN_NETWORKS = {
    "operator, boundary, dynamics": ("twice-grouped", {"width": 4, "n_steps": 2, "boundary": "odd"}),
    "kind": ("pixel-6", {}),
}


@pytest.mark.parametrize("what", OWN_NETWORKS)
@pytest.mark.usefixtures("extended")
def test_it_is_trained_saved_loaded_and_predicts(what: str, qtips_folder: Path, tmp_path: Path):
    model, settings = OWN_NETWORKS[what]
    train(tmp_path / "run", qtips_folder, model=model, network=settings)
    network = imexseg.load(tmp_path / "run/best.safetensors")
    assert network.info.model == model
    assert network.info.training["learning_rate"] == (3e-3 if what == "kind" else 2e-2)
    prediction = Predictor(network).predict(np.full((21, 30, 1), 128, np.uint8))
    assert prediction.classes.shape == (21, 30)


@pytest.mark.parametrize("what", OWN_NETWORKS)
@pytest.mark.usefixtures("extended")
def test_exported_it_answers_as_torch_does(what: str):
    model, settings = OWN_NETWORKS[what]
    torch.manual_seed(0)
    network = build_network(model_config(model, **settings)).eval()
    network.info = ModelInfo(
        model=model,
        network=network.config,
        names=["a", "b"],
        palette=[(0, 0, 0), (255, 255, 255)],
        full_scale=255,
        data={},
        metrics={},
        training={},
        version=imexseg.__version__,
    )
    image = np.random.default_rng(0).integers(0, 256, (1, 24, 32, 1)).astype(np.uint8)
    session = onnxruntime.InferenceSession(build(network, ExportOptions((24, 32), logits=True)).SerializeToString())
    (found,) = session.run(["logits"], {"image": image})
    with torch.no_grad():
        expected = network(torch.from_numpy(image).movedim(-1, 1).float()).numpy()
    assert np.abs(found - expected).max() <= 1e-4 * np.ptp(expected)


@pytest.mark.usefixtures("extended")
def test_what_is_asked_of_a_network_is_answered_for_the_new_parts():
    torch.manual_seed(0)
    network = build_network(model_config("twice-grouped", width=4, n_steps=2, boundary="odd")).eval()
    assert network.equation == DYNAMICS["twice"].equation
    assert network.field_of_view() is None
    layers = inspect_network(network, 255 * torch.rand(1, 1, 16, 16))
    assert [layer.dynamics for layer in layers] == ["twice"] * 2
    assert layers[0].kernels[0].count == 4 * 2
    assert layers[0].largest_stable_step is not None
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    to_coarser_grid(network)
    assert not torch.equal(network.state_dict()["backbone.stages.0.steps.0.term.K.weight"], next(iter(before.values())))
    to_finer_grid(network)
    torch.testing.assert_close(network.state_dict(), before, atol=1e-4, rtol=1e-4)
    assert build_network(model_config("pixel-3")).reach() == 8  # what a network says that does not know better


@pytest.mark.usefixtures("extended")
def test_the_new_boundary_is_the_same_for_operator_and_solve():
    """(I + hL) applied to the solution gives the right-hand side back, L by the stencil on the extended image."""
    solve = OddSolve(3, 0.5, 1.0, 4.0).double()
    X = torch.randn(1, 3, 7, 6, dtype=torch.float64)
    Y, alpha = solve(X), solve.diffusion()
    P = extend(Y, "odd")
    rows = 2 * Y - P[..., :-2, 1:-1] - P[..., 2:, 1:-1]
    columns = 2 * Y - P[..., 1:-1, :-2] - P[..., 1:-1, 2:]
    L = alpha[:, 0, None, None] * rows + alpha[:, 1, None, None] * columns
    torch.testing.assert_close(Y + 0.5 * L, X)
    K = GroupedOperator(4, "odd").double()
    A, B = torch.randn(2, 1, 4, 5, 6, dtype=torch.float64)
    torch.testing.assert_close((K(A) * B).sum(), (A * K.adjoint(B)).sum())
