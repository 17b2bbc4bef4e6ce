"""Kernels as differential operators: converting between θ, the weights of a stencil, and β, the coefficients of derivatives.

In one dimension, on spacing hₓ,

    (θ₁, θ₂, θ₃) = β₁/4 · [1 2 1] + β₂/(2hₓ) · [-1 0 1] + β₃/hₓ² · [-1 2 -1],

so that the stencil acts as β₁ + β₂ ∂x - β₃ ∂xx: mind the sign of the last. In two dimensions both axes together, by tensor
products: θ = A β Aᵀ with the three stencils as the columns of A, nine coefficients for nine weights, and β[a, b] belongs to
the derivative of order a along the rows' axis y (down) and of order b along x (to the right).
All nine are exact to second order in hₓ; [1 2 1]/4 is 1 up to a smoothing hₓ²/4 ∂xx.
Source: Ruthotto and Haber 2018, arXiv:1804.04272, section 2.
"""

import torch
from torch import Tensor

# Names by [order in y, order in x], and the sign with which β enters: [-1 2 -1]/hₓ² is -∂xx.
NAMES = (("", "∂x", "∂xx"), ("∂y", "∂xy", "∂xxy"), ("∂yy", "∂xyy", "∂xxyy"))
_SIGNS = ((1, 1, -1), (1, 1, -1), (-1, -1, 1))
_IN_ORDER = ((0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0), (1, 2), (2, 1), (2, 2))
_MINUS = "−"  # the sign as it is set, of the width of a plus


def basis(spacing: float = 1.0, dtype: torch.dtype = torch.float64) -> Tensor:
    """A: its columns are [1 2 1]/4, [-1 0 1]/(2hₓ) and [-1 2 -1]/hₓ². Shapes: → (3, 3). Raises: ValueError if hₓ ≤ 0."""
    if not spacing > 0:
        raise ValueError(f"spacing must be positive, got {spacing}")
    columns = ((0.25, 0.5, 0.25), (-0.5, 0.0, 0.5), (-1.0, 2.0, -1.0))
    A = torch.tensor(columns, dtype=torch.float64).T / spacing ** torch.arange(3)
    return A.to(dtype)


def _inverse_basis(spacing: float, dtype: torch.dtype) -> Tensor:
    """A⁻¹, written out: β₁ = Σθ, β₂ = hₓ(θ₃ - θ₁), β₃ = hₓ²/4 · (θ₂ - θ₁ - θ₃)."""
    if not spacing > 0:
        raise ValueError(f"spacing must be positive, got {spacing}")
    rows = torch.tensor(((1.0, 1.0, 1.0), (-1.0, 0.0, 1.0), (-0.25, 0.25, -0.25)), dtype=torch.float64)
    return (rows * spacing ** torch.arange(3)[:, None]).to(dtype)


def stencil_1d(beta: Tensor, spacing: float = 1.0) -> Tensor:
    """θ from β. Shapes: (..., 3) → (..., 3). Units: spacing in pixels. Raises: ValueError if spacing ≤ 0."""
    return beta @ basis(spacing, beta.dtype).to(beta.device).T


def coefficients_1d(theta: Tensor, spacing: float = 1.0) -> Tensor:
    """β from θ. Shapes: (..., 3) → (..., 3). Properties: the inverse of stencil_1d. Raises: ValueError if spacing ≤ 0."""
    return theta @ _inverse_basis(spacing, theta.dtype).to(theta.device).T


def stencil_2d(beta: Tensor, spacing: float = 1.0) -> Tensor:
    """θ = A β Aᵀ. Shapes: (..., 3, 3) → (..., 3, 3), β[order in y, order in x]. Raises: ValueError if spacing ≤ 0."""
    A = basis(spacing, beta.dtype).to(beta.device)
    return A @ beta @ A.T


def coefficients_2d(theta: Tensor, spacing: float = 1.0) -> Tensor:
    """β = A⁻¹ θ A⁻ᵀ. Shapes: (..., 3, 3) → (..., 3, 3). Properties: the inverse of stencil_2d."""
    A = _inverse_basis(spacing, theta.dtype).to(theta.device)
    return A @ theta @ A.T


def derivatives(theta: Tensor, spacing: float = 1.0) -> Tensor:
    """What stands before 1, ∂x, ∂xx, …: β with the sign of the derivative itself. Shapes: (..., 3, 3) → (..., 3, 3)."""
    return coefficients_2d(theta, spacing) * torch.tensor(_SIGNS, dtype=theta.dtype, device=theta.device)


def operator_text(theta: Tensor, spacing: float = 1.0, digits: int = 2, smallest: float = 0.0) -> str:
    """A 3×3 kernel as a person reads it, lowest orders first: "1.02 − 0.31 ∂x + 0.5 ∂xx".

    Shapes: theta (3, 3).
    Args: digits: after the point.  smallest: terms whose coefficient is below this share of the largest are left out,
        and the text then ends in "+ …".
    Properties: the coefficients are those of derivatives: [-1 2 -1] reads "−1 ∂xx". "0" for a kernel that rounds to nothing.
    """
    values = derivatives(theta.detach().double(), spacing)
    limit = smallest * float(values.abs().max())
    terms, left_out = "", False
    for row, column in _IN_ORDER:
        value = float(values[row, column])
        number = f"{abs(value):.{digits}f}".rstrip("0").rstrip(".") if digits else f"{abs(value):.0f}"
        if float(number) == 0 or abs(value) < limit:
            left_out |= float(number) != 0
            continue
        sign = _MINUS if value < 0 else ""
        joint = f" {sign or '+'} " if terms else sign
        terms += f"{joint}{number} {NAMES[row][column]}".rstrip()
    return (terms or "0") + (" + …" if left_out else "")


def shares(theta: Tensor, spacing: float = 1.0) -> Tensor:
    """How much of a kernel each of the nine operators makes: |β| over their sum.

    To a wave of one radian a pixel (6.3 pixels long) all nine answer with the magnitude of their coefficient, to lowest
    order in hₓ: that is the scale on which a coefficient of 1 and one of ∂xx can be compared.
    Shapes: (..., 3, 3) → (..., 3, 3), adding up to 1 for each kernel (0 for a kernel that is 0).
    """
    size = coefficients_2d(theta, spacing).abs()
    return size / size.sum((-2, -1), keepdim=True).clamp(min=torch.finfo(theta.dtype).tiny)
