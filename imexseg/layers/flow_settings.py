"""The settings from which n steps of a dynamics are built."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from imexseg.layers.implicit import ImplicitSolve, implicit_solve
from imexseg.layers.norms import NORMS
from imexseg.layers.operators import OPERATORS
from imexseg.layers.terms import Term


@dataclass(frozen=True)
class FlowSettings:
    """All numbers and names that n steps of a dynamics are built from. Units: lengths in grid points."""

    dynamics: str
    operator: str
    channels: int
    n_steps: int
    step_size: float = 1.0
    boundary: str = "periodic"
    norm: str = "batch"
    shortest: float = 1.0
    longest: float = 24.0

    def term(self, kind: Callable[..., Term], channels: int | None = None) -> Term:
        """f by itself. Args: channels: if not all of them."""
        n = channels or self.channels
        return kind(n, lambda: OPERATORS[self.operator](n, self.boundary), self.norm)

    def solve(self, step_size: float, channels: int | None = None) -> ImplicitSolve:
        """(I + step_size·L)⁻¹."""
        return implicit_solve(channels or self.channels, step_size, self.boundary, self.shortest, self.longest)

    def closing_norm(self) -> nn.Module:
        """The N behind a step or a flow."""
        return NORMS[self.norm](self.channels)
