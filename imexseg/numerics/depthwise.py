"""One stencil per channel, applied to an image that already carries its ring of pixels, and the adjoint. With padding=1 the
ring is of zeros and need not be there: boundary zero.

Torch's own backward pass of a depthwise convolution computes the gradient of the input by a path that is eight times slower
than the transposed convolution which it is. These two functions call each other instead.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def stencil_product(P: Tensor, weight: Tensor, padding: int = 0) -> Tensor:
    """(KP)[i, j] = Σ weight[p, q] · P[i+p, j+q].

    Shapes: P (B, C, H+2, W+2), or (B, C, H, W) with padding=1; weight (C, 1, 3, 3) → (B, C, H, W).
    """
    dtype = _working_dtype(P)
    return _StencilProduct.apply(P.to(dtype), weight.to(dtype), padding)


def stencil_product_adjoint(Z: Tensor, weight: Tensor, padding: int = 0) -> Tensor:
    """The adjoint in the image. Shapes: Z (B, C, H, W), weight (C, 1, 3, 3) → that of P above."""
    dtype = _working_dtype(Z)
    return _StencilProductAdjoint.apply(Z.to(dtype), weight.to(dtype), padding)


def _working_dtype(X: Tensor) -> torch.dtype:
    """What autocast would choose. It does not reach into the backward pass, so both passes must agree on it beforehand."""
    device = X.device.type
    if device in ("cpu", "cuda") and torch.is_autocast_enabled(device) and X.dtype != torch.float64:
        return torch.get_autocast_dtype(device)
    return X.dtype


def _weight_gradient(G: Tensor, P: Tensor, weight: Tensor, padding: int) -> Tensor:
    """Σ over batch and pixels of G[i, j] · P[i+p, j+q]. Shapes: G (B, C, H, W), P as above → (C, 1, 3, 3)."""
    return torch.ops.aten.convolution_backward(
        G, P, weight, None, [1, 1], [padding] * 2, [1, 1], False, [0, 0], weight.shape[0], [False, True, False]
    )[1]


class _StencilProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx, P: Tensor, weight: Tensor, padding: int) -> Tensor:
        ctx.save_for_backward(P, weight)
        ctx.padding = padding
        return F.conv2d(P, weight, padding=padding, groups=weight.shape[0])

    @staticmethod
    def backward(ctx, G: Tensor):
        P, weight = ctx.saved_tensors
        grad_P = stencil_product_adjoint(G, weight, ctx.padding) if ctx.needs_input_grad[0] else None
        return grad_P, _weight_gradient(G, P, weight, ctx.padding) if ctx.needs_input_grad[1] else None, None


class _StencilProductAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, Z: Tensor, weight: Tensor, padding: int) -> Tensor:
        ctx.save_for_backward(Z, weight)
        ctx.padding = padding
        return F.conv_transpose2d(Z, weight, padding=padding, groups=weight.shape[0])

    @staticmethod
    def backward(ctx, G: Tensor):
        Z, weight = ctx.saved_tensors
        grad_Z = stencil_product(G, weight, ctx.padding) if ctx.needs_input_grad[0] else None
        return grad_Z, _weight_gradient(Z, G, weight, ctx.padding) if ctx.needs_input_grad[1] else None, None
