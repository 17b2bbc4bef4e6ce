"""The explicit term f of ∂ₜY = f(Y): what the network computes locally, before any time step.

N is a normalisation of layers/norms.py and σ = ReLU. Every f maps (B, C, H, W) → (B, C, H, W).
"""

from collections.abc import Callable

from torch import Tensor, nn

from imexseg.layers.norms import NORMS
from imexseg.layers.operators import Operator


class Term(nn.Module):
    """f. Args: operator: makes a K."""

    norm: nn.Module

    def __init__(self, channels: int, operator: Callable[[], Operator], norm: str = "batch"):
        super().__init__()

    @property
    def is_symmetric(self) -> bool:
        """True if the Jacobian f′(Y) is symmetric and of one sign, in evaluation mode and whatever Y is."""
        return False


class ResidualTerm(Term):
    """f(Y) = K₂ σ(N(K₁ Y)).

    Source: He et al. 2016, in the notation of Haber and Ruthotto 2017, arXiv:1705.03341.
    """

    def __init__(self, channels: int, operator: Callable[[], Operator], norm: str = "batch"):
        super().__init__(channels, operator, norm)
        self.K1 = operator()
        self.norm = NORMS[norm](channels)
        self.act = nn.ReLU()
        self.K2 = operator()

    def forward(self, Y: Tensor) -> Tensor:
        return self.K2(self.act(self.norm(self.K1(Y))))


class GradientTerm(Term):
    """f(Y) = Kᵀ σ(N(K Y)): the gradient of a convex function of Y, up to N.

    Source: Chang, Meng, Haber et al. 2018, arXiv:1709.03698, equation 4. Differs: N stands inside σ.
    """

    def __init__(self, channels: int, operator: Callable[[], Operator], norm: str = "batch"):
        super().__init__(channels, operator, norm)
        self.K = operator()
        self.norm = NORMS[norm](channels)
        self.act = nn.ReLU()

    def forward(self, Y: Tensor) -> Tensor:
        return self.K.adjoint(self.act(self.norm(self.K(Y))))

    @property
    def is_symmetric(self) -> bool:
        """KᵀDK with D ≥ 0 where N acts on each channel by itself and does not turn its sign."""
        return isinstance(self.norm, nn.BatchNorm2d) and bool((self.norm.weight >= 0).all())


class ParabolicTerm(GradientTerm):
    """f(Y) = -Kᵀ σ(N(K Y)).

    Properties: ⟨f(Y) - f(X), Y - X⟩ ≤ 0 while N is batch normalisation with scales ≥ 0 (they start at 1): the exact flow
    brings any two states closer together, which is why the network is stable.
    Source: Ruthotto and Haber 2018, arXiv:1804.04272, equation 8. Differs: N stands inside σ.
    """

    def forward(self, Y: Tensor) -> Tensor:
        return -super().forward(Y)
