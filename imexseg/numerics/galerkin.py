"""Kernels on a coarser or finer grid: the Galerkin operator K_H = R K_h P, its inverse, and weights between time grids.

R averages 2×2 pixels and P = 4Rᵀ repeats each pixel 2×2, so that RP = I. On 3×3 kernels K_h ↦ K_H is the linear map m⊗m,

    m = [½ 0 0; ½ 1 ½; 0 0 ½],   m⁻¹ = [2 0 0; -1 1 -1; 0 0 2],

the same for every pair of channels, and for convolution and correlation (m is symmetric under reversing both axes). It is
exact on periodic grids of even size. What it does to the kernels of this project:

- Their sum is kept: what a kernel does to constants, and the zero mean of the stencils B.
- The first moment Σ B·(p, q) is halved, in pixels of its own grid: a derivative stays that derivative in physical length, and
  the decay length of (I + hBᵀB)⁻¹ stays the same number of image pixels.
- Five-point stencils stay five-point, both ways; a 1×1 coupling stays as it is. Lean operators remain lean.
- Second derivatives come out twice too strong: [-1 2 -1] ↦ ½[-1 2 -1], where spacing 2 asks for ¼. That is the price of a
  piecewise constant P, and it does not accumulate over a restriction and a prolongation, which undo each other exactly.
- BᵀB is five pixels wide and is not restricted itself: L_H = B_HᵀB_H, semi-definite by construction.

Kernels that change the resolution (opening, classifier) have no inverse map; their input is a restricted image on every level,
so they are carried over as they are.
Source: Haber, Ruthotto, Holtham, Jun, Learning across scales, AAAI 2018, arXiv:1703.02009, section 4.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_RESTRICT = ((0.5, 0.0, 0.0), (0.5, 1.0, 0.5), (0.0, 0.0, 0.5))  # m
_PROLONG = ((2.0, 0.0, 0.0), (-1.0, 1.0, -1.0), (0.0, 0.0, 2.0))  # m⁻¹; halves and ones: exact in every precision
_FIVE_POINT = (1, 3, 4, 5, 7)  # of the nine, row by row


def restrict_image(Y: Tensor) -> Tensor:
    """RY: the average over 2×2 pixels. Shapes: (..., H, W) → (..., H/2, W/2). Raises: ValueError for an odd H or W."""
    height, width = Y.shape[-2:]
    if height % 2 or width % 2:
        raise ValueError(f"only even sizes can be halved, got {height} x {width}")
    return F.avg_pool2d(Y.reshape(-1, 1, height, width), 2).view(*Y.shape[:-2], height // 2, width // 2)


def prolong_image(Y: Tensor) -> Tensor:
    """PY = 4RᵀY: every pixel 2×2 times. Shapes: (..., H, W) → (..., 2H, 2W). Properties: restrict_image undoes it."""
    return Y.repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)


def restrict_kernel(K: Tensor) -> Tensor:
    """R K P as a kernel: fine → coarse grid.

    Shapes: (..., 3, 3) → (..., 3, 3), any leading dimensions.
    Properties: linear; prolong_kernel undoes it; the sum stays; five-point stays five-point.
    Boundary: periodic.
    Raises: ValueError if it is not 3×3.
    """
    return _on_both_axes(_RESTRICT, K)


def prolong_kernel(K: Tensor) -> Tensor:
    """The kernel whose restriction is K: coarse → fine grid. Shapes, properties, errors: as restrict_kernel."""
    return _on_both_axes(_PROLONG, K)


def restrict_five_point(stencil: Tensor) -> Tensor:
    """restrict_kernel for stencils stored as (north, west, centre, east, south). Shapes: (..., 5) → (..., 5)."""
    return _from_nine(restrict_kernel(_to_nine(stencil)))


def prolong_five_point(stencil: Tensor) -> Tensor:
    """prolong_kernel for stencils stored as (north, west, centre, east, south). Shapes: (..., 5) → (..., 5)."""
    return _from_nine(prolong_kernel(_to_nine(stencil)))


def restrict_diffusion(alpha: Tensor) -> Tensor:
    """α of L = -α₁∂₁² - α₂∂₂² on a grid of twice the spacing: α/4, in pixel² of that grid per time.

    It is rediscretised: Galerkin's α/2 would make the decay length √(hα) grow by √2 in image pixels with every level.
    Shapes: any → the same.
    """
    return alpha / 4


def prolong_diffusion(alpha: Tensor) -> Tensor:
    """The inverse of restrict_diffusion: 4α. Shapes: any → the same."""
    return 4 * alpha


def refine_in_time(weights: Tensor) -> Tensor:
    """Weights of n steps of size h ↦ those of 2n steps of size h/2, piecewise linear in time.

    Weight j belongs to time jh, where its step begins: θ⁺₂ⱼ = θⱼ, θ⁺₂ⱼ₊₁ = ½(θⱼ + θⱼ₊₁). After the last one they stay.
    The other half is the caller's: the step size is to be halved too.
    Shapes: (n, ...) → (2n, ...); integers (counters) are repeated.
    Properties: coarsen_in_time undoes it; weights linear in time stay so, up to the last.
    """
    following = torch.cat([weights[1:], weights[-1:]])
    between = (weights + following) / 2 if weights.is_floating_point() else weights
    return torch.stack([weights, between], dim=1).flatten(0, 1)


def coarsen_in_time(weights: Tensor) -> Tensor:
    """Weights of every other step. Shapes: (2n, ...) → (n, ...). Raises: ValueError for an odd number of steps."""
    if len(weights) % 2:
        raise ValueError(f"only an even number of steps can be halved, got {len(weights)}")
    return weights[::2]


def _on_both_axes(m: Sequence[Sequence[float]], K: Tensor) -> Tensor:
    if K.shape[-2:] != (3, 3):
        raise ValueError(f"a kernel must be 3 x 3, got {' x '.join(map(str, K.shape[-2:]))}")
    matrix = torch.tensor(m, dtype=K.dtype, device=K.device)
    return matrix @ K @ matrix.T


def _to_nine(stencil: Tensor) -> Tensor:
    if stencil.shape[-1] != 5:
        raise ValueError(f"a five-point stencil has 5 weights, got {stencil.shape[-1]}")
    nine = stencil.new_zeros(*stencil.shape[:-1], 9)
    nine[..., _FIVE_POINT] = stencil
    return nine.unflatten(-1, (3, 3))


def _from_nine(kernel: Tensor) -> Tensor:
    return kernel.flatten(-2)[..., _FIVE_POINT]
