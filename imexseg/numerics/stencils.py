"""Zero-mean 3×3 stencils B, the symbol of L = BᵀB, and the decay length of (I + hL)⁻¹.

A stencil acts as (BY)[i, j] = Σ_{p,q ∈ {-1,0,1}} B[p+1, q+1] · Y[i+p, j+q] on a periodic grid of spacing 1 pixel,
so plane waves e^{i(k₁i + k₂j)} are its eigenvectors with eigenvalue b̂(k) = Σ B[p+1, q+1] e^{i(p k₁ + q k₂)}.
"""

import torch
from torch import Tensor

from imexseg.numerics.tables import cached_table, remainder


def zero_mean(B: Tensor) -> Tensor:
    """Remove the mean of each stencil, so that b̂(0) = 0 and constants lie in the kernel of L.

    Shapes: B (C, 3, 3) → (C, 3, 3).
    """
    return B - B.mean(dim=(-2, -1), keepdim=True)


@cached_table
def _waves(n: int, n_frequencies: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """cos and sin of p·k for p ∈ {-1, 0, 1} at k = 2πj/n, j < n_frequencies; each (n_frequencies, 3)."""
    turns = remainder(torch.outer(torch.arange(n_frequencies), torch.arange(-1, 2)), n)  # reduce in integers: exact
    angle = turns.to(torch.float64) * (2 * torch.pi / n)
    return angle.cos().to(device, dtype), angle.sin().to(device, dtype)


def symbol(B: Tensor, height: int, width: int, *, half: bool = True) -> Tensor:
    """Eigenvalues |b̂(k)|² of L = BᵀB on a periodic height × width grid; a trigonometric polynomial, so no FFT.

    Shapes: B (C, 3, 3) → (C, H, W//2+1), the frequencies of rfft2; with half=False (C, H, W), those of fft2.
    Properties: ≥ 0; 0 at k = 0 for a zero-mean B.
    Boundary: periodic.
    """
    cos1, sin1 = _waves(height, height, B.dtype, B.device)
    cos2, sin2 = _waves(width, width // 2 + 1 if half else width, B.dtype, B.device)
    Bc, Bs = B @ cos2.T, B @ sin2.T
    real = cos1 @ Bc - sin1 @ Bs
    imaginary = sin1 @ Bc + cos1 @ Bs
    return real.square() + imaginary.square()


def curvature(B: Tensor) -> Tensor:
    """Largest second derivative of ½|b̂(k)|² at k = 0, in pixel²: |m|² with m = Σ B·(p, q) the first moment of B.

    Shapes: B (C, 3, 3) → (C,).
    """
    position = torch.arange(-1, 2, dtype=B.dtype, device=B.device)
    first_moment = torch.stack([torch.einsum("cpq,p->c", B, position), torch.einsum("cpq,q->c", B, position)])
    return first_moment.square().sum(0)


def decay_length(B: Tensor, h: float) -> Tensor:
    """Distance in pixels over which the Green's function of I + hL falls by e: √(h · curvature).

    Near k = 0 the symbol is (m·k)², so (I + hL)⁻¹ ≈ 1/(1 + h(m·k)²): along m an exponential of length √h |m|.
    Shapes: B (C, 3, 3) → (C,).
    """
    return (h * curvature(B)).sqrt()


def random_stencils(
    channels: int, h: float, *, shortest: float = 1.0, longest: float = 24.0, generator: torch.Generator | None = None
) -> Tensor:
    """Zero-mean Gaussian stencils whose decay lengths are log-uniform between shortest and longest (pixels).

    That spread of lengths is what makes an IMEX network train: some channels see near, some see far.
    Shapes: → (channels, 3, 3).
    Raises: ValueError if h ≤ 0 or the lengths are not 0 < shortest ≤ longest.
    """
    if h <= 0:
        raise ValueError(f"step size h must be positive, got {h}")
    if not 0 < shortest <= longest:
        raise ValueError(f"decay lengths must satisfy 0 < shortest <= longest, got {shortest} and {longest}")
    B = zero_mean(torch.randn(channels, 3, 3, generator=generator))
    target = shortest * (longest / shortest) ** torch.rand(channels, generator=generator)
    return B * (target / decay_length(B, h)).view(-1, 1, 1)
