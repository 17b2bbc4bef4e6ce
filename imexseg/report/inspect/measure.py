"""What a trained network computes, layer by layer: its equation, kernels, decay lengths, and how stable its step is.

A layer is whatever owns an explicit term f: a step of Euler's kind, or one coupling of a reversible flow. They are found by
walking the modules, and measured at the states that one image brings about.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.implicit import ImplicitSolve, PeriodicSolve
from imexseg.layers.operators import CouplingOperator, DenseOperator, DepthwiseOperator
from imexseg.layers.steps import ImexDiffusiveStep
from imexseg.layers.terms import ParabolicTerm
from imexseg.numerics.differential import NAMES, operator_text, shares
from imexseg.numerics.stability import (
    Linear,
    SolveAt,
    dominant_eigenvalue,
    expansion_rate,
    forward_euler_limit,
    imex_diffusive_limit,
    imex_limit,
    jacobian_products,
    leapfrog_limit,
    spectral_norm,
    symmetric_rate,
    verlet_limit,
)

OPERATOR_NAMES = tuple(name or "1" for row in NAMES for name in row)


@dataclass(frozen=True)
class Kernels:
    """The 3×3 kernels of one operator, as differential operators in units of grid points; or of a 1×1 coupling its norm."""

    name: str  # of the operator within its layer: "K.depthwise", or "B" of L = BᵀB
    count: int
    dominant: dict[str, int]  # differential operator → kernels in which it has the largest share
    mean_share: dict[str, float]  # differential operator → mean over the kernels of its share
    norm: float | None = None  # ‖M‖₂ of a coupling
    texts: list[str] = field(default_factory=list)  # of each kernel


@dataclass(frozen=True)
class Layer:
    """One layer. Units: lengths in grid points of this layer, a grid point is `stride` image pixels; h in model time."""

    name: str
    dynamics: str
    equation: str
    step_size: float
    stride: int
    grid: tuple[int, int]  # height, width at which it was measured
    kernels: list[Kernels]
    decay_lengths: list[float] | None  # of each channel; None without a solve
    # At the state measured. None: no step is stable, because f itself expands at `expansion_rate` (1/time).
    largest_stable_step: float | None
    expansion_rate: float | None  # None where f = -Kᵀσ(KY) excludes expansion
    amplification: (
        float | None
    )  # ‖∂Y⁺/∂Y‖₂ of the step as trained, without the norm behind it; None for two-step schemes


def inspect_network(
    network: nn.Module, image: Tensor, progress: Callable[[int, int], None] = lambda n_done, n_total: None
) -> list[Layer]:
    """All layers in the order of computation.

    Shapes: image (1, C, H, W), raw pixel values. The network must be in evaluation mode; it is left as it was.
    Returns: [] for a network without such layers.
    """
    owners = {name: module for name, module in network.named_modules() if isinstance(_term(module), nn.Module)}
    states = _states(network, image, [_term(owner) for owner in owners.values()])
    order = {term: position for position, term in enumerate(states)}
    present = {name: owner for name, owner in owners.items() if _term(owner) in states}
    layers: list[Layer] = []
    for name, owner in sorted(present.items(), key=lambda item: order[_term(item[1])]):
        progress(len(layers), len(present))
        Y = states[_term(owner)]
        dynamics = dynamics_of(owner)
        solve = getattr(owner, "solve", None)
        layer = Layer(
            name=name,
            dynamics=dynamics,
            equation=DYNAMICS[dynamics].equation if dynamics in DYNAMICS else dynamics,
            step_size=_step_size(owner),
            stride=round(image.shape[-1] / Y.shape[-1]),
            grid=(Y.shape[-2], Y.shape[-1]),
            kernels=_kernels(owner),
            decay_lengths=solve.decay_lengths().detach().tolist() if solve is not None else None,
            largest_stable_step=None,
            expansion_rate=None,
            amplification=None,
        )
        partner = _partner(name, owner, present)
        layers.append(_with_stability(layer, owner, partner, states))
    return layers


def dynamics_of(owner: nn.Module) -> str:
    """The name in DYNAMICS of the equation that a step, or a coupling, belongs to."""
    implicit = getattr(owner, "solve", None) is not None
    if hasattr(owner, "sign"):  # a coupling of a reversible flow
        return ("second-order" if owner.sign == -1 else "hamiltonian") + ("-imex" if implicit else "")
    parabolic = isinstance(_term(owner), ParabolicTerm)
    if isinstance(owner, ImexDiffusiveStep):
        return "imex-diffusive"
    if implicit:
        return "imex" if parabolic else "imex-residual"
    return "parabolic" if parabolic else "residual"


def _term(module: nn.Module) -> Any:
    return getattr(module, "term", None)


def _step_size(owner: nn.Module) -> float:
    """h: of a coupling from its weight, ±h for Verlet and h² for leapfrog."""
    if not hasattr(owner, "sign"):
        return float(owner.step_size)  # type: ignore[arg-type]
    weight = abs(float(owner.weight))  # type: ignore[arg-type]
    return math.sqrt(weight) if owner.sign == -1 else weight


def _states(network: nn.Module, image: Tensor, terms: list[nn.Module]) -> dict[nn.Module, Tensor]:
    """What arrives at each term, in the order of arrival."""
    states: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        states.setdefault(module, inputs[0].detach().clone())

    handles = [term.register_forward_pre_hook(keep) for term in terms]
    try:
        with torch.no_grad():
            network(image)
    finally:
        for handle in handles:
            handle.remove()
    return states


def _kernels(owner: nn.Module) -> list[Kernels]:
    found = []
    for name, module in _term(owner).named_modules():
        if isinstance(module, DenseOperator):
            found.append(_described(name, module.weight))
        elif isinstance(module, DepthwiseOperator):
            found.append(_described(name, module._weight()))
        elif isinstance(module, CouplingOperator):
            norm = float(torch.linalg.matrix_norm(module.weight.detach(), 2))
            found.append(Kernels(name, module.weight.numel(), {}, {}, norm))
    solve = getattr(owner, "solve", None)
    if isinstance(solve, PeriodicSolve):
        B = solve.weight.detach()
        found.append(_described("B of L = BᵀB", B - B.mean((-2, -1), keepdim=True)))
    return found


def _described(name: str, weight: Tensor) -> Kernels:
    """Shapes: weight (..., 3, 3)."""
    kernels = weight.detach().reshape(-1, 3, 3).double()
    part = shares(kernels).flatten(1)
    winners = torch.bincount(part.argmax(1), minlength=9).tolist()
    mean = part.mean(0).tolist()
    counts = {n: count for n, count in zip(OPERATOR_NAMES, winners, strict=True) if count}
    return Kernels(
        name=name,
        count=len(kernels),
        dominant=dict(sorted(counts.items(), key=lambda item: -item[1])),
        mean_share=dict(zip(OPERATOR_NAMES, mean, strict=True)),
        texts=[operator_text(kernel, smallest=0.1) for kernel in kernels],
    )


def _partner(name: str, owner: nn.Module, present: dict[str, nn.Module]) -> nn.Module | None:
    """The other half of a Verlet step: couplings 2k and 2k+1 of a chain."""
    if not dynamics_of(owner).startswith("hamiltonian"):
        return None
    parent, _, index = name.rpartition(".")
    return present.get(f"{parent}.{int(index) ^ 1}")


def _with_stability(
    layer: Layer, owner: nn.Module, partner: nn.Module | None, states: dict[nn.Module, Tensor]
) -> Layer:
    """The largest stable step at the states given, or why there is none."""
    Y = states[_term(owner)]
    start = torch.randn(Y.shape, generator=torch.Generator().manual_seed(0)).to(Y)
    solve = _solve_at(getattr(owner, "solve", None))
    contracts = _is_symmetric(_term(owner))
    if layer.dynamics.startswith("hamiltonian") and partner is not None:
        A1, A2 = (_rate(_term(module), states[_term(module)]) for module in (owner, partner))
        limit = verlet_limit(A1, A2, start, solve, _solve_at(getattr(partner, "solve", None)))
        return replace(layer, largest_stable_step=limit)
    if layer.dynamics.startswith("second-order"):
        return replace(layer, largest_stable_step=leapfrog_limit(_rate(_term(owner), Y), start, solve))
    h, diffusive = layer.step_size, layer.dynamics == "imex-diffusive"
    S: Linear = (lambda X: solve(X, h)) if solve is not None else (lambda X: X)
    if contracts:
        A = symmetric_rate(_term(owner), Y)
        if solve is None:
            limit = forward_euler_limit(A, start)
        else:
            limit = (imex_diffusive_limit if diffusive else imex_limit)(A, solve, start)
        # I - hSA and S(I - hA) are similar to symmetric matrices: the norm that counts is their spectral radius.
        step = (lambda v: S(v - h * A(v))) if diffusive else (lambda v: v - h * S(A(v)))
        return replace(layer, largest_stable_step=limit, amplification=dominant_eigenvalue(step, start)[0])
    J, JT = jacobian_products(_term(owner), Y)
    rate = expansion_rate(J, JT, start)  # of f alone: the equation has no solve, only its steps have
    if diffusive:
        norm = spectral_norm(lambda v: S(v + h * J(v)), lambda v: S(v) + h * JT(S(v)), start)
    else:
        norm = spectral_norm(lambda v: v + h * S(J(v)), lambda v: v + h * JT(S(v)), start)
    return replace(layer, expansion_rate=rate, amplification=norm)


def _is_symmetric(term: nn.Module) -> bool:
    """-Kᵀσ(N(KY)) with an N that acts on each channel by itself and does not turn its sign."""
    norm = getattr(term, "norm", None)
    return isinstance(term, ParabolicTerm) and isinstance(norm, nn.BatchNorm2d) and bool((norm.weight >= 0).all())


def _rate(term: nn.Module, Y: Tensor) -> Linear:
    """v ↦ -f′(Y)v."""
    if _is_symmetric(term):
        return symmetric_rate(term, Y)
    J, _ = jacobian_products(term, Y)
    return lambda v: -J(v)


def _solve_at(solve: ImplicitSolve | None) -> SolveAt | None:
    """The solve for any step size: L does not depend on it."""
    if solve is None:
        return None

    def solve_at(X: Tensor, h: float) -> Tensor:
        used = solve.step_size
        solve.step_size = h
        try:
            with torch.no_grad():
                return solve.solve(X)
        finally:
            solve.step_size = used

    return solve_at
