"""What a trained network computes, layer by layer: its equation, kernels, decay lengths, and how stable its step is.

A layer is whatever owns an explicit term f: a step of Euler's kind, or one coupling of a reversible flow. They are found by
walking the modules, and measured at the states that one image brings about.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from imexseg.layers.flows import Flow, ReversibleFlow
from imexseg.layers.operators import Operator
from imexseg.layers.terms import Term
from imexseg.numerics.differential import NAMES, operator_text, shares
from imexseg.numerics.stability import (
    Linear,
    dominant_eigenvalue,
    expansion_rate,
    jacobian_products,
    spectral_norm,
    symmetric_rate,
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
    names = {module: name for name, module in network.named_modules()}
    owners = [(flow, owner) for flow in names if isinstance(flow, Flow) for row in flow.rows() for owner in row]
    states = _states(network, image, [_term(owner) for _, owner in owners])
    order = {term: position for position, term in enumerate(states)}
    present = sorted(
        ((flow, owner) for flow, owner in owners if _term(owner) in states), key=lambda item: order[_term(item[1])]
    )
    limits: dict[nn.Module, float] = {}  # of reversible steps, by their couplings
    layers: list[Layer] = []
    for flow, owner in present:
        progress(len(layers), len(present))
        Y = states[_term(owner)]
        solve = getattr(owner, "solve", None)
        layer = Layer(
            name=names[owner],
            dynamics=flow.settings.dynamics,
            equation=flow.dynamics.equation,
            step_size=flow.settings.step_size,
            stride=round(image.shape[-1] / Y.shape[-1]),
            grid=(Y.shape[-2], Y.shape[-1]),
            kernels=_kernels(owner),
            decay_lengths=solve.decay_lengths().detach().tolist() if solve is not None else None,
            largest_stable_step=None,
            expansion_rate=None,
            amplification=None,
        )
        if isinstance(flow, ReversibleFlow):
            if owner not in limits:
                limits |= _limits(flow, owner, states)
            layers.append(replace(layer, largest_stable_step=limits[owner]))
        else:
            layers.append(_with_stability(layer, owner, Y))
    return layers


def _term(module: nn.Module) -> Term:
    return module.term  # type: ignore[return-value]


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
        if not isinstance(module, Operator):
            continue
        if (kernels := module.kernels()) is not None:
            found.append(_described(name, kernels))
        if (matrix := module.matrix()) is not None:
            norm = float(torch.linalg.matrix_norm(matrix.detach(), 2))
            found.append(Kernels(name, matrix.numel(), {}, {}, norm))
    solve: Any = getattr(owner, "solve", None)
    if solve is not None and (B := solve.stencils()) is not None:
        found.append(_described("B of L = BᵀB", B))
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


def _limits(flow: ReversibleFlow, owner: nn.Module, states: dict[nn.Module, Tensor]) -> dict[nn.Module, float]:
    """The largest stable step at the states given, for every coupling of the step that `owner` belongs to."""
    (step,) = (step for step in flow.chain.steps() if owner in step)
    rates = [_derivative(coupling.term, states[coupling.term]) for coupling in step]
    limit = flow.chain.scheme.largest_step(rates, [c.solve for c in step], _direction(states[step[0].term]))
    return dict.fromkeys(step, limit)


def _with_stability(layer: Layer, step: Any, Y: Tensor) -> Layer:
    """The largest stable step at the state given, or why there is none. Args: step: of layers/steps.py."""
    start = _direction(Y)
    if step.term.is_symmetric:
        J = _derivative(step.term, Y)
        limit = step.largest_step(lambda v: -J(v), start)
        # I - hSA and S(I - hA) are similar to symmetric matrices: the norm that counts is their spectral radius.
        growth, _ = dominant_eigenvalue(lambda v: step.derivative(J, v), start)
        return replace(layer, largest_stable_step=limit, amplification=growth)
    J, JT = jacobian_products(step.term, Y)
    rate = expansion_rate(J, JT, start)  # of f alone: the equation has no solve, only its steps have
    norm = spectral_norm(lambda v: step.derivative(J, v), lambda v: step.transposed_derivative(JT, v), start)
    return replace(layer, expansion_rate=rate, amplification=norm)


def _direction(Y: Tensor) -> Tensor:
    return torch.randn(Y.shape, generator=torch.Generator().manual_seed(0)).to(Y)


def _derivative(term: Term, Y: Tensor) -> Linear:
    """v ↦ f′(Y)v."""
    if not term.is_symmetric:
        return jacobian_products(term, Y)[0]
    A = symmetric_rate(term, Y)
    return lambda v: -A(v)
