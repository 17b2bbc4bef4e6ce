"""Time steps as layers: an explicit term f, a scheme of numerics/timestep.py, and a normalisation behind it."""

from torch import Tensor, nn

from imexseg.layers.implicit import ImplicitSolve
from imexseg.numerics.timestep import forward_euler, imex_diffusive_euler, imex_euler


class Step(nn.Module):
    """One time step Y → N(Y⁺). Shapes: (B, C, H, W) → the same. Subclasses say what Y⁺ is."""

    def __init__(self, term: nn.Module, norm: nn.Module, step_size: float):
        super().__init__()
        self.term = term
        self.norm = norm
        self.step_size = step_size

    def forward(self, Y: Tensor) -> Tensor:
        return self.norm(self.advance(Y))

    def advance(self, Y: Tensor) -> Tensor:
        raise NotImplementedError


class ForwardEulerStep(Step):
    """Y⁺ = Y + h f(Y)."""

    def advance(self, Y: Tensor) -> Tensor:
        return forward_euler(Y, self.term(Y), self.step_size)


class ImexStep(Step):
    """Y⁺ = Y + h (I + hL)⁻¹ f(Y)."""

    def __init__(self, term: nn.Module, norm: nn.Module, solve: ImplicitSolve):
        super().__init__(term, norm, solve.step_size)
        self.solve = solve

    def advance(self, Y: Tensor) -> Tensor:
        return imex_euler(Y, self.term(Y), self.solve, self.step_size)


class ImexDiffusiveStep(ImexStep):
    """Y⁺ = (I + hL)⁻¹ (Y + h f(Y))."""

    def advance(self, Y: Tensor) -> Tensor:
        return imex_diffusive_euler(Y, self.term(Y), self.solve, self.step_size)
