"""The table of dynamics: which equation ∂ₜY = … a network integrates, and by which step.

Every explicit dynamics has an implicit twin with the same f, norms and widths, so that the two differ in the solve alone:
residual ↔ imex-residual, parabolic ↔ imex, hamiltonian ↔ hamiltonian-imex, second-order ↔ second-order-imex.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from imexseg.layers.flows import HamiltonianFlow, SecondOrderFlow
from imexseg.layers.implicit import ImplicitSolve, implicit_solve
from imexseg.layers.norms import NORMS
from imexseg.layers.operators import OPERATORS
from imexseg.layers.reversible import Coupling, ImplicitCoupling, ReversibleChain
from imexseg.layers.steps import ForwardEulerStep, ImexDiffusiveStep, ImexStep
from imexseg.layers.terms import ParabolicTerm, ResidualTerm


@dataclass(frozen=True)
class Dynamics:
    """One row: the equation in words of the paper, and how its steps are built."""

    equation: str
    build: Callable[["FlowSettings"], nn.Module]
    explicit_twin: str | None = None  # the same f without the solve; None: this one has no solve
    reversible: bool = False
    splits: bool = False  # needs an even number of channels
    rings_per_step: int = 2  # how many pixels farther one explicit step sees: K, then its adjoint (or K₂)

    @property
    def implicit(self) -> bool:
        return self.explicit_twin is not None


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

    def term(self, kind: Callable[..., nn.Module], channels: int | None = None) -> nn.Module:
        """f by itself. Args: channels: if not all of them."""
        n = channels or self.channels
        return kind(n, lambda: OPERATORS[self.operator](n, self.boundary), self.norm)

    def solve(self, step_size: float, channels: int | None = None) -> ImplicitSolve:
        """(I + step_size·L)⁻¹."""
        return implicit_solve(channels or self.channels, step_size, self.boundary, self.shortest, self.longest)

    def closing_norm(self) -> nn.Module:
        """The N behind a step or a flow."""
        return NORMS[self.norm](self.channels)


def _euler(kind: Callable[..., nn.Module]) -> Callable[[FlowSettings], nn.Module]:
    return lambda s: nn.Sequential(
        *(ForwardEulerStep(s.term(kind), s.closing_norm(), s.step_size) for _ in range(s.n_steps))
    )


def _imex(step: type[ImexStep], kind: Callable[..., nn.Module]) -> Callable[[FlowSettings], nn.Module]:
    return lambda s: nn.Sequential(
        *(step(s.term(kind), s.closing_norm(), s.solve(s.step_size)) for _ in range(s.n_steps))
    )


def _hamiltonian(implicit: bool) -> Callable[[FlowSettings], nn.Module]:
    def build(s: FlowSettings) -> nn.Module:
        half, h = s.channels // 2, s.step_size
        couplings: list[Coupling] = []
        for _ in range(s.n_steps):
            for weight in (-h, h):  # ParabolicTerm is -Kᵀσ(K·): Y⁺ = Y + hK₁ᵀσ(K₁Z), Z⁺ = Z - hK₂ᵀσ(K₂Y⁺)
                term = s.term(ParabolicTerm, half)
                couplings.append(
                    ImplicitCoupling(term, s.solve(h, half), weight) if implicit else Coupling(term, weight)
                )
        return HamiltonianFlow(ReversibleChain(couplings), s.closing_norm())

    return build


def _second_order(implicit: bool) -> Callable[[FlowSettings], nn.Module]:
    def build(s: FlowSettings) -> nn.Module:
        weight = s.step_size**2
        couplings: list[Coupling] = []
        for _ in range(s.n_steps):
            f = s.term(ParabolicTerm)
            couplings.append(
                ImplicitCoupling(f, s.solve(weight), weight, sign=-1, diagonal=2.0)
                if implicit
                else Coupling(f, weight, sign=-1, diagonal=2.0)
            )
        return SecondOrderFlow(ReversibleChain(couplings), s.closing_norm())

    return build


DYNAMICS: dict[str, Dynamics] = {
    "residual": Dynamics("Y⁺ = Y + h K₂σ(N(K₁Y))", _euler(ResidualTerm)),
    "parabolic": Dynamics("Y⁺ = Y - h Kᵀσ(N(KY))", _euler(ParabolicTerm)),
    "imex": Dynamics("(I+hL)Y⁺ = Y + hLY - h Kᵀσ(N(KY))", _imex(ImexStep, ParabolicTerm), "parabolic"),
    "imex-residual": Dynamics("(I+hL)Y⁺ = Y + hLY + h K₂σ(N(K₁Y))", _imex(ImexStep, ResidualTerm), "residual"),
    "imex-diffusive": Dynamics("(I+hL)Y⁺ = Y - h Kᵀσ(N(KY))", _imex(ImexDiffusiveStep, ParabolicTerm), "parabolic"),
    "hamiltonian": Dynamics(
        "Y⁺ = Y + h K₁ᵀσ(N(K₁Z)), Z⁺ = Z - h K₂ᵀσ(N(K₂Y⁺))",
        _hamiltonian(implicit=False),
        reversible=True,
        splits=True,
        rings_per_step=4,
    ),
    "hamiltonian-imex": Dynamics(
        "Y⁺ = Y + h(I+hL₁)⁻¹K₁ᵀσ(N(K₁Z)), Z⁺ = Z - h(I+hL₂)⁻¹K₂ᵀσ(N(K₂Y⁺))",
        _hamiltonian(implicit=True),
        "hamiltonian",
        reversible=True,
        splits=True,
        rings_per_step=4,
    ),
    "second-order": Dynamics("Y⁺ = 2Y - Y⁻ - h²Kᵀσ(N(KY))", _second_order(implicit=False), reversible=True),
    "second-order-imex": Dynamics(
        "(I+h²L)Y⁺ = (I+h²L)(2Y - Y⁻) - h²Kᵀσ(N(KY))", _second_order(implicit=True), "second-order", reversible=True
    ),
}


def build_flow(settings: FlowSettings) -> nn.Module:
    """n steps of a dynamics as a module (B, C, H, W) → (B, C, H, W).

    Raises: KeyError for names not in DYNAMICS, OPERATORS, NORMS; ValueError for h ≤ 0, or an odd number of channels where
    the state is split.
    """
    row = DYNAMICS[settings.dynamics]
    if not settings.step_size > 0:
        raise ValueError(f"step size must be positive, got {settings.step_size}")
    if row.splits and settings.channels % 2:
        n = settings.channels
        raise ValueError(f"{settings.dynamics} splits the channels in half; width {n} is odd, use {n - 1} or {n + 1}")
    return row.build(settings)
