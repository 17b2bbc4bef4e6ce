"""Time steps as layers: an explicit term f, a scheme of numerics/timestep.py, and a normalisation behind it.

Each step knows how large it may be (numerics/stability.py) and its own derivative, for `imexseg inspect`.
"""

from torch import Tensor, nn

from imexseg.layers.implicit import ImplicitSolve
from imexseg.layers.terms import Term
from imexseg.numerics.stability import Linear, forward_euler_limit, imex_diffusive_limit, imex_limit
from imexseg.numerics.timestep import forward_euler, imex_diffusive_euler, imex_euler


class Step(nn.Module):
    """One time step Y → N(Y⁺). Shapes: (B, C, H, W) → the same. Subclasses say what Y⁺ is.

    J and JT below are v ↦ f′v and v ↦ f′ᵀv at some state.
    """

    solve: ImplicitSolve | None

    def __init__(self, term: Term, norm: nn.Module, step_size: float, solve: ImplicitSolve | None = None):
        super().__init__()
        self.term = term
        self.norm = norm
        self.step_size = step_size
        self.solve = solve

    def forward(self, Y: Tensor) -> Tensor:
        return self.norm(self.advance(Y))

    def advance(self, Y: Tensor) -> Tensor:
        """Y⁺."""
        raise NotImplementedError

    def largest_step(self, A: Linear, start: Tensor) -> float:
        """The largest stable h where f′ = -A is symmetric, A ⪰ 0. Args: start: any direction."""
        raise NotImplementedError

    def derivative(self, J: Linear, v: Tensor) -> Tensor:
        """(∂Y⁺/∂Y) v."""
        raise NotImplementedError

    def transposed_derivative(self, JT: Linear, v: Tensor) -> Tensor:
        """(∂Y⁺/∂Y)ᵀ v."""
        raise NotImplementedError


class ForwardEulerStep(Step):
    """Y⁺ = Y + h f(Y)."""

    def advance(self, Y: Tensor) -> Tensor:
        return forward_euler(Y, self.term(Y), self.step_size)

    def largest_step(self, A: Linear, start: Tensor) -> float:
        return forward_euler_limit(A, start)

    def derivative(self, J: Linear, v: Tensor) -> Tensor:
        return v + self.step_size * J(v)

    def transposed_derivative(self, JT: Linear, v: Tensor) -> Tensor:
        return v + self.step_size * JT(v)


class ImexStep(Step):
    """Y⁺ = Y + h (I + hL)⁻¹ f(Y)."""

    solve: ImplicitSolve

    def __init__(self, term: Term, norm: nn.Module, solve: ImplicitSolve):
        super().__init__(term, norm, solve.step_size, solve)

    def advance(self, Y: Tensor) -> Tensor:
        return imex_euler(Y, self.term(Y), self.solve, self.step_size)

    def largest_step(self, A: Linear, start: Tensor) -> float:
        return imex_limit(A, self.solve.at, start)

    def derivative(self, J: Linear, v: Tensor) -> Tensor:
        return v + self.step_size * self.solve.at(J(v), self.step_size)

    def transposed_derivative(self, JT: Linear, v: Tensor) -> Tensor:
        return v + self.step_size * JT(self.solve.at(v, self.step_size))


class ImexDiffusiveStep(ImexStep):
    """Y⁺ = (I + hL)⁻¹ (Y + h f(Y))."""

    def advance(self, Y: Tensor) -> Tensor:
        return imex_diffusive_euler(Y, self.term(Y), self.solve, self.step_size)

    def largest_step(self, A: Linear, start: Tensor) -> float:
        return imex_diffusive_limit(A, self.solve.at, start)

    def derivative(self, J: Linear, v: Tensor) -> Tensor:
        return self.solve.at(v + self.step_size * J(v), self.step_size)

    def transposed_derivative(self, JT: Linear, v: Tensor) -> Tensor:
        solved = self.solve.at(v, self.step_size)
        return solved + self.step_size * JT(solved)
