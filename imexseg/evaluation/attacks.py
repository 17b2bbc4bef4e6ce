"""Adversarial images, within ε of the original in each pixel: the fast gradient sign method and projected gradient descent.

Shapes: images (B, C, H, W), raw pixel values; masks (B, H, W) int64 with 255 ignored; → images (B, C, H, W).
Units: epsilon in pixel values. The network must be in evaluation mode, so that images of a batch do not see each other.
Properties: |result - image| ≤ ε; lowest ≤ result ≤ highest; ε = 0 ⇒ the image itself; gradients of parameters untouched.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.data.description.labels import IGNORE


def segmentation_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Cross-entropy summed over the pixels that are not ignored: what an attack raises. Shapes: → (B,)."""
    return F.cross_entropy(logits, masks, ignore_index=IGNORE, reduction="none").sum((-2, -1))


def fgsm(
    network: nn.Module, images: Tensor, masks: Tensor, epsilon: float, lowest: float = 0.0, highest: float = 255.0
) -> Tensor:
    """x + ε sign ∇ₓ loss, clipped: one step.

    Source: Goodfellow, Shlens, Szegedy 2015, arXiv:1412.6572, section 4. Differs: the loss is that of all pixels.
    """
    return (images + epsilon * _ascent(network, images, masks)).clamp(lowest, highest)


def pgd(
    network: nn.Module,
    images: Tensor,
    masks: Tensor,
    epsilon: float,
    lowest: float = 0.0,
    highest: float = 255.0,
    n_steps: int = 10,
    start: Tensor | None = None,
) -> Tensor:
    """n steps of 2.5 ε/n along sign ∇ₓ loss, each projected back to the ε-cube round the image and to the valid range.

    Args: start: in [-1, 1], of the images' shape: where in the ε-cube to begin (0 if None); random in the literature.
    Source: Madry et al. 2018, arXiv:1706.06083, section 2.1. Differs: the loss is that of all pixels.
    """
    low, high = (images - epsilon).clamp(min=lowest), (images + epsilon).clamp(max=highest)
    attacked = images if start is None else (images + epsilon * start).clamp(low, high)
    for _ in range(n_steps):
        attacked = (attacked + 2.5 * epsilon / n_steps * _ascent(network, attacked, masks)).clamp(low, high)
    return attacked


def _ascent(network: nn.Module, images: Tensor, masks: Tensor) -> Tensor:
    """The sign of the gradient of the loss with respect to the images, and of nothing else."""
    with torch.enable_grad():
        pixels = images.detach().clone().requires_grad_()
        loss = segmentation_loss(network(pixels), masks).sum()
    return torch.autograd.grad(loss, pixels)[0].sign()
