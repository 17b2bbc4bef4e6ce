"""Flows as layers: n steps of a dynamics, between one feature tensor and the next."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from imexseg.layers.flow_settings import FlowSettings
from imexseg.layers.reversible import ReversibleChain
from imexseg.numerics.layout import as_laid_out


@dataclass(frozen=True)
class Dynamics:
    """One row of layers/dynamics.py: the equation in words of the paper, and how its steps are built."""

    equation: str
    build: Callable[[FlowSettings], "Flow"]
    explicit_twin: str | None = None  # the same f without the solve; None: this one has no solve
    reversible: bool = False
    splits: bool = False  # needs an even number of channels
    rings_per_step: int = 2  # how many pixels farther one explicit step sees: K, then its adjoint (or K₂)

    @property
    def implicit(self) -> bool:
        return self.explicit_twin is not None


class Flow(nn.Module):
    """n steps of a dynamics. Shapes: (B, C, H, W) → the same.

    Attributes: settings, dynamics: what it was built from, set by build_flow.
    """

    settings: FlowSettings
    dynamics: Dynamics

    def rows(self) -> list[list[nn.Module]]:
        """Modules of one kind in the order of time, all alike: what changes from step to step are their weights.

        Each has a `term` f and a `solve`, None without one. Most flows have one row, a Hamiltonian one has two, f₁ and f₂.
        """
        raise NotImplementedError

    def seen(self) -> int:
        """Points by which all steps together widen what one point depends on; for explicit ones."""
        return 2 * self.dynamics.rings_per_step * self.settings.n_steps


class EulerFlow(nn.Sequential, Flow):
    """Steps of layers/steps.py one after the other, each with its own N."""

    def rows(self) -> list[list[nn.Module]]:
        return [list(self.children())]


class ReversibleFlow(Flow):
    """Steps on a pair of states, and N behind the last."""

    def __init__(self, chain: ReversibleChain, norm: nn.Module):
        super().__init__()
        self.chain = chain
        self.norm = norm

    def rows(self) -> list[list[nn.Module]]:
        n = self.chain.scheme.n_rates
        return [list(self.chain.couplings[k::n]) for k in range(n)]


class HamiltonianFlow(ReversibleFlow):
    """Verlet steps on the two halves (Y, Z) of the channels, and N behind the last.

    Shapes: (B, C, H, W) → the same; C even.
    Args: chain: two couplings a step, the first for Y⁺ = Y + h f₁(Z), the second for Z⁺ = Z + h f₂(Y⁺).
    """

    def forward(self, X: Tensor) -> Tensor:
        return self.norm(self.advance(X))

    def advance(self, X: Tensor) -> Tensor:
        """All steps, without N."""
        return torch.cat(self.chain(*_halves(X)), dim=1)

    def inverse(self, X: Tensor) -> Tensor:
        """Undoes advance. Batch normalisation must be in evaluation mode."""
        return torch.cat(self.chain.inverse(*_halves(X)), dim=1)


def _halves(X: Tensor) -> tuple[Tensor, Tensor]:
    """(Y, Z) of the channels."""
    Y, Z = X.chunk(2, dim=1)
    return as_laid_out(Y, X), as_laid_out(Z, X)


class SecondOrderFlow(ReversibleFlow):
    """Leapfrog steps from rest, Y₋₁ = Y₀, and N behind the last. Shapes: (B, C, H, W) → the same."""

    def forward(self, Y: Tensor) -> Tensor:
        return self.norm(self.advance(Y)[1])

    def advance(self, Y: Tensor) -> tuple[Tensor, Tensor]:
        """All steps, without N. Returns: the last two states."""
        return self.chain(Y, Y)

    def inverse(self, Y_previous: Tensor, Y: Tensor) -> tuple[Tensor, Tensor]:
        """Undoes advance. Returns: (Y₋₁, Y₀), which are equal. Batch normalisation must be in evaluation mode."""
        return self.chain.inverse(Y_previous, Y)
