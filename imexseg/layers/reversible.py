"""Reversible steps: the state is a pair, and the pair before a step can be computed from the pair behind it.

    Verlet     Y⁺ = Y + h f₁(Z), Z⁺ = Z + h f₂(Y⁺)     two right-hand sides a step
    leapfrog   Y⁺ = 2Y - Y⁻ + h² f(Y)                  one

are the functions of numerics/timestep.py, in layers/schemes.py with their inverses. A solve in f changes nothing of that:
(I + hL)⁻¹ f is just another f.
"""

import torch
from torch import Tensor, nn

from imexseg.layers.implicit import ImplicitSolve
from imexseg.layers.schemes import Scheme
from imexseg.layers.terms import Term


class Coupling(nn.Module):
    """A right-hand side of a reversible scheme: f, or (I + hL)⁻¹ f. Shapes: (B, C, H, W) → the same."""

    def __init__(self, term: Term, solve: ImplicitSolve | None = None):
        super().__init__()
        self.term = term
        self.solve = solve

    def forward(self, V: Tensor) -> Tensor:
        f = self.term(V)
        return f if self.solve is None else self.solve(f)


class ReversibleChain(nn.Module):
    """Steps of one scheme; their intermediate states are rebuilt in the backward pass instead of stored.

    Args: couplings: scheme.n_rates for each step, in the order of evaluation.
    Attribute rebuild: False lets ordinary autograd store every state (faster, memory grows with the number of steps).
    Properties: both ways give the same gradients up to rounding; statistics of batch normalisation are counted once.
    Works under autocast, gradient accumulation, DDP; under torch.compile the rebuilding part stays eager (a graph break).
    """

    def __init__(self, couplings: list[Coupling], scheme: Scheme):
        super().__init__()
        self.couplings = nn.ModuleList(couplings)
        self.scheme = scheme
        self.rebuild = True

    def steps(self) -> list[list[Coupling]]:
        """The couplings of each step."""
        couplings, n = list(self.couplings), self.scheme.n_rates
        return [couplings[k : k + n] for k in range(0, len(couplings), n)]  # type: ignore[misc]

    def forward(self, U: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
        if self.rebuild and torch.is_grad_enabled():
            from imexseg.layers.rebuild import (
                rebuilding,
            )  # brings torch's compiler, seconds that prediction does without

            return rebuilding(self.steps(), self.scheme, U, V)
        for step in self.steps():
            U, V = self.scheme.advance(U, V, *step)
        return U, V

    def inverse(self, U: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
        """The pair before the chain from the pair behind it. Batch normalisation must be in evaluation mode."""
        for step in reversed(self.steps()):
            U, V = self.scheme.undo(U, V, *step)
        return U, V


def store_states(network: nn.Module, stored: bool = True) -> None:
    """Choose ordinary autograd (stored) or rebuilding for every reversible part of a network."""
    for module in network.modules():
        if isinstance(module, ReversibleChain):
            module.rebuild = not stored
