"""X ↦ (I + hL)⁻¹X as a layer: the trainable L of each channel, and the choice of boundary and implementation."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.layers.grid import GridChange, OnGrid
from imexseg.numerics.dirichlet import SINES, dirichlet_symbol, solve_sine
from imexseg.numerics.layout import as_laid_out
from imexseg.numerics.reflective import COSINES, reflective_symbol, solve_cosine
from imexseg.numerics.resolvent import resolvent_symbol, solve_matmul, solve_rfft
from imexseg.numerics.stencils import decay_length, random_stencils, symbol, zero_mean
from imexseg.numerics.sweeps import Factored, Waves, solve_swept

KEPT_BYTES = (
    2 << 20
)  # of the factors of one solve: on small grids they take as long as the solve, on large ones memory counts
IMPLEMENTATIONS = ("fast", "matmul")  # matmul: matrix products alone, which every runtime has

SymbolOf = Callable[[Tensor, int, int], Tensor]  # (α, H, W) ↦ λ
Solve = Callable[[Tensor, Tensor], Tensor]  # (X, ρ) ↦ (I + hL)⁻¹X


class ImplicitSolve(OnGrid):
    """(I + hL)⁻¹ for every channel by itself. Shapes: (B, C, H, W) → (B, C, H, W), any H and W.

    Args:
        channels: C.
        step_size: h > 0.
        shortest, longest: decay lengths in pixels between which the channels start, log-uniformly.
    Properties: its norm is at most 1; self-adjoint; keeps the mean of each channel, but for boundary zero.
    """

    def __init__(self, channels: int, step_size: float = 1.0, shortest: float = 1.0, longest: float = 24.0):
        super().__init__()
        if not step_size > 0:
            raise ValueError(f"step size must be positive, got {step_size}")
        if not 0 < shortest <= longest:
            raise ValueError(f"decay lengths must satisfy 0 < shortest <= longest, got {shortest} and {longest}")
        self.step_size = step_size
        self.implementation = "fast"  # how, not what: set by whoever runs the network, not part of its settings
        self.switched_off = False  # see without_solve

    def forward(self, X: Tensor) -> Tensor:
        return X if self.switched_off else self.solve(X)

    def solve(self, X: Tensor) -> Tensor:
        """(I + hL)⁻¹X. Shapes: (B, C, H, W) → the same."""
        raise NotImplementedError

    def at(self, X: Tensor, step_size: float) -> Tensor:
        """The same L with another h, which L does not depend on; without gradients."""
        own = self.step_size
        self.step_size = step_size
        try:
            with torch.no_grad():
                return self.solve(X)
        finally:
            self.step_size = own

    def decay_lengths(self) -> Tensor:
        """Pixels over which each channel's Green's function falls by e. Shapes: → (C,)."""
        raise NotImplementedError

    def stencils(self) -> Tensor | None:
        """The 3×3 stencils B of L = BᵀB, where L is made of such. Shapes: → (C, 3, 3)."""
        return None

    def keep_lengths(self, step_size: float) -> None:
        """In place, weights that belonged to a step of that size: the decay lengths stay what they were there, so hL does."""
        raise NotImplementedError


class PeriodicSolve(ImplicitSolve):
    """L = BᵀB with one zero-mean 3×3 stencil B for each channel, 9C weights. Boundary: the opposite edge."""

    def __init__(self, channels: int, step_size: float = 1.0, shortest: float = 1.0, longest: float = 24.0):
        super().__init__(channels, step_size, shortest, longest)
        self.weight = nn.Parameter(random_stencils(channels, step_size, shortest=shortest, longest=longest))

    def solve(self, X: Tensor) -> Tensor:
        # Float32 even under autocast: the symbol's cancellation near k = 0 decides the decay length.
        with torch.autocast(device_type=X.device.type, enabled=False):
            rho = resolvent_symbol(symbol(zero_mean(self.weight), *X.shape[-2:]), self.step_size)
        return as_laid_out({"fast": solve_rfft, "matmul": solve_matmul}[self.implementation](X, rho), X)

    def decay_lengths(self) -> Tensor:
        return decay_length(zero_mean(self.weight), self.step_size)

    def stencils(self) -> Tensor:
        return zero_mean(self.weight)

    def change_grid(self, change: GridChange) -> None:
        self.weight.copy_(change.kernel(self.weight))

    def keep_lengths(self, step_size: float) -> None:
        self.weight.mul_((step_size / self.step_size) ** 0.5)


class DiffusionSolve(ImplicitSolve):
    """L = -α₁∂₁² - α₂∂₂² with α = softplus(weight) ≥ 0, 2C weights. Subclasses name the boundary."""

    symbol: SymbolOf
    by_products: Solve  # four products of n³
    waves: Waves | None = None  # None: by products on every grid

    def __init__(self, channels: int, step_size: float = 1.0, shortest: float = 1.0, longest: float = 24.0):
        super().__init__(channels, step_size, shortest, longest)
        log_length = math.log(shortest) + (math.log(longest) - math.log(shortest)) * torch.rand(channels, 2)
        self.weight = nn.Parameter(torch.empty(channels, 2))
        self.set_diffusion((2 * log_length).exp() / step_size)
        self._kept: Factored | None = None
        self.keeps_factors = True

    def diffusion(self) -> Tensor:
        """α ≥ 0. Shapes: → (C, 2). Units: pixel² of this grid per time."""
        return F.softplus(self.weight)

    def set_diffusion(self, alpha: Tensor) -> None:
        """Choose the weight so that diffusion() is alpha > 0. Shapes: (C, 2)."""
        self.weight.data.copy_(alpha + torch.log(-torch.expm1(-alpha)))  # the inverse of softplus

    def solve(self, X: Tensor) -> Tensor:
        with torch.autocast(device_type=X.device.type, enabled=False):
            alpha = self.diffusion()
            if self.implementation == "fast" and self.waves is not None and X.device.type == "cpu":
                diffusion = self.step_size * alpha
                return solve_swept(X, diffusion, self.waves, self._factored(X, diffusion, self.waves))
            rho = resolvent_symbol(self.symbol(alpha, *X.shape[-2:]), self.step_size)
            return as_laid_out(self.by_products(X, rho), X)

    def _factored(self, X: Tensor, diffusion: Tensor, waves: Waves) -> Factored | None:
        """Where nothing is trained the factors of the last grid are kept, if they are small; None otherwise."""
        if torch.is_grad_enabled() or diffusion.dtype != X.dtype:
            return None
        height, width = X.shape[2:]
        kept = self._kept  # another thread may change it
        if kept is not None and kept.fits(height, width, diffusion):
            return kept
        factored = Factored(height, width, diffusion, waves)
        if factored.nbytes <= KEPT_BYTES and self.keeps_factors:
            self._kept = factored
        return factored

    def decay_lengths(self) -> Tensor:
        return (self.step_size * self.diffusion().amax(dim=1)).sqrt()

    def change_grid(self, change: GridChange) -> None:
        self.set_diffusion(change.diffusion(self.diffusion()))

    def keep_lengths(self, step_size: float) -> None:
        self.set_diffusion(step_size / self.step_size * self.diffusion())


class ReflectiveSolve(DiffusionSolve):
    """L = -α₁∂₁² - α₂∂₂², 2C weights. Boundary: a mirror image."""

    symbol = staticmethod(reflective_symbol)
    by_products, waves = staticmethod(solve_cosine), COSINES


class DirichletSolve(DiffusionSolve):
    """L = -α₁∂₁² - α₂∂₂², 2C weights. Boundary: zero outside, so what flows across the edge is lost."""

    symbol = staticmethod(dirichlet_symbol)
    by_products, waves = staticmethod(solve_sine), SINES


# By the names of numerics/boundary.py: operators and solves of a network live on the same grid.
SOLVES: dict[str, type[ImplicitSolve]] = {"periodic": PeriodicSolve, "reflect": ReflectiveSolve, "zero": DirichletSolve}


def implicit_solve(channels: int, step_size: float, boundary: str, shortest: float, longest: float) -> ImplicitSolve:
    """The solve that goes with a boundary. Raises: ValueError for an unknown boundary."""
    if boundary not in SOLVES:
        raise ValueError(f"unknown boundary {boundary!r}; choose one of {', '.join(SOLVES)}")
    return SOLVES[boundary](channels, step_size, shortest, longest)
