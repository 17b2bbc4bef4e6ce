"""The table of dynamics: which equation ∂ₜY = … a network integrates, and by which step.

Every implicit dynamics has an explicit twin with the same f, norms and widths, so that the two differ in the solve alone:
residual ↔ imex-residual, parabolic ↔ imex, hamiltonian ↔ hamiltonian-imex, second-order ↔ second-order-imex.
"""

from collections.abc import Callable

from imexseg.layers.flow_settings import FlowSettings
from imexseg.layers.flows import Dynamics, EulerFlow, Flow, HamiltonianFlow, SecondOrderFlow
from imexseg.layers.reversible import Coupling, ReversibleChain
from imexseg.layers.schemes import Leapfrog, Verlet
from imexseg.layers.steps import ForwardEulerStep, ImexDiffusiveStep, ImexStep, Step
from imexseg.layers.terms import GradientTerm, ParabolicTerm, ResidualTerm, Term

Build = Callable[[FlowSettings], Flow]


def explicit_steps(step: Callable[..., Step], kind: Callable[..., Term]) -> Build:
    """n times step(f, N, h). Args: kind: of f."""
    return lambda s: EulerFlow(*(step(s.term(kind), s.closing_norm(), s.step_size) for _ in range(s.n_steps)))


def implicit_steps(step: Callable[..., Step], kind: Callable[..., Term]) -> Build:
    """n times step(f, N, solve). Args: kind: of f."""
    return lambda s: EulerFlow(*(step(s.term(kind), s.closing_norm(), s.solve(s.step_size)) for _ in range(s.n_steps)))


def _hamiltonian(implicit: bool) -> Build:
    def build(s: FlowSettings) -> Flow:
        half, h = s.channels // 2, s.step_size
        kinds: tuple[type[Term], ...] = (GradientTerm, ParabolicTerm)  # K₁ᵀσ(K₁Z) and -K₂ᵀσ(K₂Y⁺)
        couplings = [
            Coupling(s.term(kind, half), s.solve(h, half) if implicit else None)
            for _ in range(s.n_steps)
            for kind in kinds
        ]
        return HamiltonianFlow(ReversibleChain(couplings, Verlet(h)), s.closing_norm())

    return build


def _second_order(implicit: bool) -> Build:
    def build(s: FlowSettings) -> Flow:
        h = s.step_size
        couplings = [Coupling(s.term(ParabolicTerm), s.solve(h**2) if implicit else None) for _ in range(s.n_steps)]
        return SecondOrderFlow(ReversibleChain(couplings, Leapfrog(h)), s.closing_norm())

    return build


DYNAMICS: dict[str, Dynamics] = {
    "residual": Dynamics("Y⁺ = Y + h K₂σ(N(K₁Y))", explicit_steps(ForwardEulerStep, ResidualTerm)),
    "parabolic": Dynamics("Y⁺ = Y - h Kᵀσ(N(KY))", explicit_steps(ForwardEulerStep, ParabolicTerm)),
    "imex": Dynamics("(I+hL)Y⁺ = Y + hLY - h Kᵀσ(N(KY))", implicit_steps(ImexStep, ParabolicTerm), "parabolic"),
    "imex-residual": Dynamics("(I+hL)Y⁺ = Y + hLY + h K₂σ(N(K₁Y))", implicit_steps(ImexStep, ResidualTerm), "residual"),
    "imex-diffusive": Dynamics(
        "(I+hL)Y⁺ = Y - h Kᵀσ(N(KY))", implicit_steps(ImexDiffusiveStep, ParabolicTerm), "parabolic"
    ),
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


def build_flow(settings: FlowSettings) -> Flow:
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
    flow = row.build(settings)
    flow.settings, flow.dynamics = settings, row
    return flow
