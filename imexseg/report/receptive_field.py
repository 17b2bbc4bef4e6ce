"""Which pixels of the image one pixel of the answer depends on, and how much."""

import numpy as np
import torch
from torch import Tensor, nn


def effective_receptive_field(network: nn.Module, images: Tensor) -> np.ndarray:
    """Mean over images of |∂ logit / ∂ pixel|, for the predicted class at the centre pixel.

    Shapes: images (B, C, H, W), raw pixel values → (H, W). The network's mode and gradients are left as they are.
    Source: Luo et al. 2016, arXiv:1701.04128. Differs: the logit of the predicted class, not a unit random gradient.
    """
    was_training = network.training
    network.eval()
    try:
        with torch.enable_grad():
            inputs = images.detach().clone().requires_grad_()
            centre = network(inputs)[..., inputs.shape[-2] // 2, inputs.shape[-1] // 2]
            (gradient,) = torch.autograd.grad(centre.amax(1).sum(), inputs)
    finally:
        network.train(was_training)
    return gradient.abs().sum(1).mean(0).cpu().numpy()


def distance_within(field: np.ndarray, share: float = 0.9) -> float:
    """Radius in pixels of the circle round the centre that holds a share of the field."""
    height, width = field.shape
    rows, columns = np.ogrid[:height, :width]
    distance = np.hypot(rows - height // 2, columns - width // 2).ravel()
    order = np.argsort(distance, kind="stable")
    cumulative = np.cumsum(field.ravel()[order], dtype=np.float64)
    if cumulative[-1] == 0:
        return 0.0
    return float(distance[order][np.searchsorted(cumulative, share * cumulative[-1])])


def seen_share(field: np.ndarray, relative: float = 1e-6) -> float:
    """Share of the pixels whose magnitude is above `relative` times the largest."""
    return float((field > relative * field.max()).mean())
