"""Time steps: one line of mathematics each. Y is the state, f the explicit term, h the step size.

Shapes: Y, Y⁺ (B, C, H, W), real. Grid spacing 1 pixel; h in model time.
Here f ↦ Y⁺ takes the value f = f(Y), so that a step does not care where f comes from.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Solve = Callable[[Tensor], Tensor]


def forward_euler(Y: Tensor, f: Tensor, h: float) -> Tensor:
    """Y⁺ = Y + h f(Y).

    Properties: first order; f = 0 ⇒ Y⁺ = Y; stable only while h is small against the largest eigenvalue of f′.
    Source: He et al. 2016 (residual networks); Haber and Ruthotto 2017, arXiv:1705.03341. Differs: none.
    """
    return torch.add(Y, f, alpha=h)


def imex_euler(Y: Tensor, f: Tensor, solve: Solve, h: float) -> Tensor:
    """(I + hL) Y⁺ = Y + hLY + h f(Y), solved as Y⁺ = Y + h (I + hL)⁻¹ f(Y), which is the same exactly.

    Args: solve: X ↦ (I + hL)⁻¹X.
    Properties: first order; f = 0 ⇒ Y⁺ = Y; the state itself is not blurred.
    Source: Haber et al. 2019, arXiv:1903.02639, equation 9. Differs: one solve of f replaces solving the whole sum.
    """
    return torch.add(Y, solve(f), alpha=h)


def imex_diffusive_euler(Y: Tensor, f: Tensor, solve: Solve, h: float) -> Tensor:
    """(I + hL) Y⁺ = Y + h f(Y).

    Args: solve: X ↦ (I + hL)⁻¹X.
    Properties: first order for ∂ₜY = f(Y) - LY; f = 0 ⇒ the state diffuses and its mean stays.
    Source: the code that Haber et al. published with arXiv:1903.02639, which drops +hLY. Differs: none.
    """
    return solve(torch.add(Y, f, alpha=h))


def verlet(Y: Tensor, Z: Tensor, f: Callable[[Tensor], Tensor], g: Callable[[Tensor], Tensor], h: float):
    """Y⁺ = Y + h f(Z), then Z⁺ = Z + h g(Y⁺): symplectic Euler for ∂ₜY = f(Z), ∂ₜZ = g(Y). Returns: (Y⁺, Z⁺).

    With f(Z) = K₁ᵀσ(K₁Z) and g(Y) = -K₂ᵀσ(K₂Y) it is the Hamiltonian network of the source.
    Properties: first order, and second order in Y at whole and Z at half steps (which is how Verlet reads it); verlet_inverse
    undoes it exactly, whatever f and g are; energy stays bounded over long times.
    Source: Chang, Meng, Haber et al. 2018, arXiv:1709.03698, equation 4. Differs: none.
    """
    Y = torch.add(Y, f(Z), alpha=h)
    return Y, torch.add(Z, g(Y), alpha=h)


def verlet_inverse(Y: Tensor, Z: Tensor, f: Callable[[Tensor], Tensor], g: Callable[[Tensor], Tensor], h: float):
    """The same two lines backwards: Z = Z⁺ - h g(Y⁺), then Y = Y⁺ - h f(Z). Returns: (Y, Z)."""
    Z = torch.sub(Z, g(Y), alpha=h)
    return torch.sub(Y, f(Z), alpha=h), Z


def leapfrog(Y_previous: Tensor, Y: Tensor, f: Tensor, h: float) -> Tensor:
    """Y⁺ = 2Y - Y⁻ + h² f(Y) for ∂ₜₜY = f(Y).

    Properties: second order; the same formula with Y⁺ in the place of Y⁻ gives Y⁻ back, so it is its own inverse.
    Source: Chang, Meng, Haber et al. 2018, arXiv:1709.03698, section 2; Ruthotto and Haber 2018, arXiv:1804.04272,
    equation 11, with f(Y) = -Kᵀσ(KY). Differs: none.
    """
    return torch.add(2 * Y - Y_previous, f, alpha=h * h)
