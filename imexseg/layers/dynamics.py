"""The table of dynamics: which equation ∂ₜY = … a network integrates, and by which step.

Every explicit dynamics has an implicit twin with the same f, norms and widths, so that the two differ in the solve alone:
residual ↔ imex-residual, parabolic ↔ imex.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from imexseg.layers.implicit import implicit_solve
from imexseg.layers.operators import OPERATORS
from imexseg.layers.steps import ForwardEulerStep, ImexDiffusiveStep, ImexStep, Step
from imexseg.layers.terms import ParabolicTerm, ResidualTerm


@dataclass(frozen=True)
class Dynamics:
    """One row: the equation in words of the paper, the term f and the step; explicit_twin has the same f, no solve."""

    equation: str
    term: Callable[..., nn.Module]
    step: Callable[..., Step]
    explicit_twin: str | None = None

    @property
    def implicit(self) -> bool:
        return self.explicit_twin is not None


DYNAMICS: dict[str, Dynamics] = {
    "residual": Dynamics("Y⁺ = Y + h K₂σ(N(K₁Y))", ResidualTerm, ForwardEulerStep),
    "parabolic": Dynamics("Y⁺ = Y - h Kᵀσ(N(KY))", ParabolicTerm, ForwardEulerStep),
    "imex": Dynamics("(I+hL)Y⁺ = Y + hLY - h Kᵀσ(N(KY))", ParabolicTerm, ImexStep, "parabolic"),
    "imex-residual": Dynamics("(I+hL)Y⁺ = Y + hLY + h K₂σ(N(K₁Y))", ResidualTerm, ImexStep, "residual"),
    "imex-diffusive": Dynamics("(I+hL)Y⁺ = Y - h Kᵀσ(N(KY))", ParabolicTerm, ImexDiffusiveStep, "parabolic"),
}


def build_step(
    dynamics: str, operator: str, channels: int, step_size: float, boundary: str, shortest: float, longest: float
) -> Step:
    """One step of a network. Raises: KeyError for names not in DYNAMICS and OPERATORS, ValueError for bad numbers."""
    row = DYNAMICS[dynamics]
    term = row.term(channels, lambda: OPERATORS[operator](channels, boundary))
    if not row.implicit:
        return row.step(channels, term, step_size)
    return row.step(channels, term, implicit_solve(channels, step_size, boundary, shortest, longest))
