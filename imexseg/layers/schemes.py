"""The two reversible schemes of numerics/timestep.py, forwards and backwards, on a pair of states.

A scheme is given the right-hand sides as functions, and evaluates each of them at the same state on the way there and on the way
back: that is what lets layers/reversible.py rebuild states and gradients with one evaluation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from imexseg.layers.implicit import ImplicitSolve
from imexseg.numerics.stability import Linear, leapfrog_limit, verlet_limit
from imexseg.numerics.timestep import leapfrog, verlet, verlet_inverse

Rate = Callable[[Tensor], Tensor]
Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Scheme:
    """One step. Shapes of all states: (B, C, H, W)."""

    n_rates: ClassVar[int]  # right-hand sides in a step
    step_size: float

    def advance(self, U: Tensor, V: Tensor, *rates: Rate) -> Pair:
        """The pair behind the step."""
        raise NotImplementedError

    def undo(self, U: Tensor, V: Tensor, *rates: Rate) -> Pair:
        """The pair that advance maps to (U, V)."""
        raise NotImplementedError

    def largest_step(self, J: Sequence[Linear], solves: Sequence[ImplicitSolve | None], start: Tensor) -> float:
        """The largest stable h. Args: J: v ↦ f′v of each right-hand side, without its solve.  start: any direction."""
        raise NotImplementedError


@dataclass(frozen=True)
class Verlet(Scheme):
    """∂ₜY = f(Z), ∂ₜZ = g(Y)."""

    n_rates = 2

    def advance(self, Y: Tensor, Z: Tensor, *rates: Rate) -> Pair:
        return verlet(Y, Z, rates[0], rates[1], self.step_size)

    def undo(self, Y: Tensor, Z: Tensor, *rates: Rate) -> Pair:
        return verlet_inverse(Y, Z, rates[0], rates[1], self.step_size)

    def largest_step(self, J: Sequence[Linear], solves: Sequence[ImplicitSolve | None], start: Tensor) -> float:
        at = [solve.at if solve is not None else None for solve in solves]
        return verlet_limit(J[0], lambda v: -J[1](v), start, *at)


@dataclass(frozen=True)
class Leapfrog(Scheme):
    """∂ₜₜY = f(Y), on the pair of the last two states."""

    n_rates = 1

    def advance(self, Y_previous: Tensor, Y: Tensor, *rates: Rate) -> Pair:
        return Y, leapfrog(Y_previous, Y, rates[0](Y), self.step_size)

    def undo(self, Y: Tensor, Y_next: Tensor, *rates: Rate) -> Pair:
        return leapfrog(Y_next, Y, rates[0](Y), self.step_size), Y

    def largest_step(self, J: Sequence[Linear], solves: Sequence[ImplicitSolve | None], start: Tensor) -> float:
        solve = solves[0]
        return leapfrog_limit(lambda v: -J[0](v), start, solve.at if solve is not None else None)
