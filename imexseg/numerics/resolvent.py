"""(I + hL)⁻¹X by a transform that diagonalises L: the step on which everything in this project rests.

    X⁺ = Tᵀ diag(ρ) T X,   ρ = 1 / (1 + h λ),   λ ≥ 0 the symbol of L

Periodic boundary: T is the discrete Fourier transform and L = BᵀB any stencil (see stencils.py).
Reflective boundary: T is the cosine transform and L a symmetric 5-point stencil (see reflective.py).
Zero outside: T is the sine transform and L the same stencil (see dirichlet.py).
In all of them ρ ∈ (0, 1]: the solve never amplifies. In the first two ρ = 1 at frequency 0: it keeps the mean of every channel.
Half precision is solved in float32 (an FFT in half precision exists for powers of two only) and returned as it came.
Source: Haber, Lensink, Treister, Ruthotto, IMEXnet, ICML 2019, arXiv:1903.02639, section 3.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from imexseg.numerics.tables import cached_table, remainder

# The FFT of a whole batch streams every intermediate through main memory. Working in blocks that stay in the
# second-level cache keeps the cost per pixel nearly flat in the image size (benchmarks/solve.py measures it).
CACHE_BLOCK_BYTES = 512 * 1024


def resolvent_symbol(symbol: Tensor, h: float) -> Tensor:
    """ρ = 1/(1 + hλ), the eigenvalues of (I + hL)⁻¹. Shapes: any → the same. Raises: ValueError if h ≤ 0."""
    if not h > 0:
        raise ValueError(f"step size h must be positive, got {h}")
    return 1 / (1 + h * symbol)


def in_float32(solve: Callable[[Tensor, Tensor], Tensor], X: Tensor, rho: Tensor) -> Tensor:
    """Run solve(X, ρ) outside autocast, in float32 if X is of half precision; the result has X's dtype."""
    working = X.dtype if X.dtype in (torch.float32, torch.float64) else torch.float32
    with torch.autocast(device_type=X.device.type, enabled=False):
        return solve(X.to(working), rho.to(working)).to(X.dtype)


def solve_rfft(X: Tensor, rho: Tensor) -> Tensor:
    """irfft2(ρ · rfft2(X)): periodic (I + hL)⁻¹X in O(n² log n).

    Shapes: X (B, C, H, W), rho (C, H, W//2+1) → (B, C, H, W).
    """
    return in_float32(_SpectralProduct.apply, X, rho)


def blocks(X: Tensor, n_bytes: int) -> Iterator[tuple[slice, slice]]:
    """(batch, channel) slices of X of at most n_bytes, or one plane; all of X where there is no cache to fit (GPU).

    Slices of the same channels follow each other.
    """
    n_batch, n_channels, height, width = X.shape
    planes = max(1, n_bytes // (height * width * X.element_size()))
    if X.device.type != "cpu" or planes >= n_batch * n_channels:
        yield slice(None), slice(None)
    elif planes >= n_channels:
        step = planes // n_channels
        yield from ((slice(b, b + step), slice(None)) for b in range(0, n_batch, step))
    else:
        yield from (
            (slice(b, b + 1), slice(c, c + planes)) for c in range(0, n_channels, planes) for b in range(n_batch)
        )


class _SpectralProduct(torch.autograd.Function):
    """X ↦ F⁻¹(ρ FX) that keeps only FX and ρ for the backward pass.

    The map is self-adjoint in X, so ∂/∂X is the same solve applied to the incoming gradient G. For ρ, Parseval gives
    ∂/∂ρ_k = w_k/(HW) · Re(conj(Ĝ_k) X̂_k), where w_k = 2 counts the conjugate frequency that rfft2 leaves out.
    """

    @staticmethod
    def forward(ctx, X: Tensor, rho: Tensor) -> Tensor:
        X = X.contiguous()
        size = X.shape[-2:]
        out = torch.empty_like(X)
        rho2 = _twice(rho)
        spectra = []
        for batch, channel in blocks(X, CACHE_BLOCK_BYTES):
            X_hat = torch.fft.rfft2(X[batch, channel])
            if ctx.needs_input_grad[1]:
                spectra.append(X_hat)
                scaled = torch.view_as_complex(torch.view_as_real(X_hat) * rho2[channel])
            else:
                torch.view_as_real(X_hat).mul_(rho2[channel])
                scaled = X_hat
            out[batch, channel] = torch.fft.irfft2(scaled, s=size)
        ctx.save_for_backward(rho, *spectra)
        ctx.size = size
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, G: Tensor):
        rho, *spectra = ctx.saved_tensors
        height, width = ctx.size
        G = G.contiguous()
        rho2 = _twice(rho)
        grad_X = torch.empty_like(G) if ctx.needs_input_grad[0] else None
        grad_rho2 = torch.zeros_like(rho2) if ctx.needs_input_grad[1] else None
        for i, (batch, channel) in enumerate(blocks(G, CACHE_BLOCK_BYTES)):
            G_hat = torch.fft.rfft2(G[batch, channel])
            G2 = torch.view_as_real(G_hat)
            if grad_rho2 is not None:
                _add_products(grad_rho2[channel], G2, torch.view_as_real(spectra[i]))
            if grad_X is not None:
                G2.mul_(rho2[channel])
                grad_X[batch, channel] = torch.fft.irfft2(G_hat, s=ctx.size)
        if grad_rho2 is None:
            return grad_X, None
        grad_rho = grad_rho2.sum(-1) / (height * width)
        grad_rho[..., 1 : (width + 1) // 2] *= 2
        return grad_X, grad_rho


def _add_products(total: Tensor, G: Tensor, X: Tensor) -> None:
    """total += Σ over the batch of G · X, in one pass over memory on the CPU, in one launch elsewhere."""
    if total.device.type != "cpu":
        total += (G * X).sum(0)
        return
    for g, x in zip(G, X, strict=True):
        total.addcmul_(g, x)


def _twice(rho: Tensor) -> Tensor:
    """ρ beside itself, to scale real and imaginary parts in one real product (half the time of complex times real)."""
    return rho[..., None].expand(*rho.shape, 2).contiguous()


def solve_matmul(X: Tensor, rho: Tensor) -> Tensor:
    """The same periodic solve as four real matrix products: what device runtimes without an FFT can run.

    Each 1-D transform is split into its cosine and sine halves, stacked in one matrix F, so that Z = F X Fᵀ has the
    blocks cc, cs, sc, ss. With ρ⁺ = ρ(k₁, k₂) and its mirror ρ⁻ = ρ(k₁, -k₂), a = (ρ⁺+ρ⁻)/2 and b = (ρ⁻-ρ⁺)/2:
    cc′ = a cc + b ss, ss′ = a ss + b cc, cs′ = a cs - b sc, sc′ = a sc - b cs. (A Hartley transform alone would be
    right only for symbols with ρ⁺ = ρ⁻.)
    Shapes: X (B, C, H, W), rho (C, H, W//2+1) → (B, C, H, W).
    """
    return in_float32(_solve_matmul, X, rho)


def _solve_matmul(X: Tensor, rho: Tensor) -> Tensor:
    height, width = X.shape[-2:]
    n1, n2 = height // 2 + 1, width // 2 + 1
    forward1, inverse1 = _cosine_sine(height, X.dtype, X.device)
    forward2, inverse2 = _cosine_sine(width, X.dtype, X.device)
    plus = rho[:, :n1]
    minus = torch.cat([rho[:, :1], rho.flip(1)[:, : n1 - 1]], dim=1)  # row k₁ ↦ row -k₁, and ρ(-k) = ρ(k)
    a, b = (plus + minus) / 2, (minus - plus) / 2
    Z = forward1 @ X @ forward2.T
    exchanged = torch.cat([Z[..., n1:, :], Z[..., :n1, :]], dim=-2)
    exchanged = torch.cat([exchanged[..., n2:], exchanged[..., :n2]], dim=-1)
    a = torch.cat([torch.cat([a, a], dim=-1)] * 2, dim=-2)
    b = torch.cat([torch.cat([b, -b], dim=-1), torch.cat([-b, b], dim=-1)], dim=-2)
    return inverse1 @ (a * Z + b * exchanged) @ inverse2.T


@cached_table
def _cosine_sine(n: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """F (2(n//2+1), n), cosines above sines, and its left inverse (n, 2(n//2+1)); both scaled by 1/√n."""
    half = n // 2 + 1
    turns = remainder(torch.outer(torch.arange(half), torch.arange(n)), n)  # reduce in integers: exact
    angle = turns.to(torch.float64) * (2 * torch.pi / n)
    F = torch.cat([angle.cos(), angle.sin()]) / n**0.5
    frequency = torch.arange(half)
    multiplicity = torch.where((frequency == 0) | (2 * frequency == n), 1.0, 2.0).to(torch.float64)
    return F.to(device, dtype), (F * multiplicity.repeat(2)[:, None]).T.contiguous().to(device, dtype)
