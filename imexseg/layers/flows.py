"""Reversible flows as layers: n steps on a pair of states, between one feature tensor and the next."""

import torch
from torch import Tensor, nn

from imexseg.layers.reversible import ReversibleChain


class HamiltonianFlow(nn.Module):
    """Verlet steps on the two halves (Y, Z) of the channels, and N behind the last.

    Shapes: (B, C, H, W) → the same; C even.
    Args: chain: two couplings a step, the first for Y⁺ = Y + h f₁(Z), the second for Z⁺ = Z + h f₂(Y⁺).
    """

    def __init__(self, chain: ReversibleChain, norm: nn.Module):
        super().__init__()
        self.chain = chain
        self.norm = norm

    def forward(self, X: Tensor) -> Tensor:
        return self.norm(self.advance(X))

    def advance(self, X: Tensor) -> Tensor:
        """All steps, without N."""
        Y, Z = X.chunk(2, dim=1)
        return torch.cat(self.chain(Y, Z), dim=1)

    def inverse(self, X: Tensor) -> Tensor:
        """Undoes advance. Batch normalisation must be in evaluation mode."""
        Y, Z = X.chunk(2, dim=1)
        return torch.cat(self.chain.inverse(Y, Z), dim=1)


class SecondOrderFlow(nn.Module):
    """Leapfrog steps from rest, Y₋₁ = Y₀, and N behind the last. Shapes: (B, C, H, W) → the same."""

    def __init__(self, chain: ReversibleChain, norm: nn.Module):
        super().__init__()
        self.chain = chain
        self.norm = norm

    def forward(self, Y: Tensor) -> Tensor:
        return self.norm(self.advance(Y)[1])

    def advance(self, Y: Tensor) -> tuple[Tensor, Tensor]:
        """All steps, without N. Returns: the last two states."""
        return self.chain(Y, Y)

    def inverse(self, Y_previous: Tensor, Y: Tensor) -> tuple[Tensor, Tensor]:
        """Undoes advance. Returns: (Y₋₁, Y₀), which are equal. Batch normalisation must be in evaluation mode."""
        return self.chain.inverse(Y_previous, Y)
