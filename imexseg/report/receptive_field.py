"""Which input pixels an output pixel depends on, and how strongly."""

import math
import time

import numpy as np
import torch
from torch import Tensor, nn

SEEN = 1e-6  # of the largest magnitude: what is weaker is rounding in single precision


def effective_receptive_field(network: nn.Module, images: Tensor, seconds: float = math.inf) -> np.ndarray:
    """Mean over images of Σ |∂ logit / ∂ pixel| over the channels, for the predicted class at the centre pixel.

    Shapes: images (B, C, H, W), floating point, raw pixel values → (H, W); the centre is (H // 2, W // 2).
    Units: logits per unit of pixel value. Args: seconds: when they are over no further image is begun.
    Properties: parameters, their gradients and the mode of every module are left as they are.
    Source: Luo et al. 2016, arXiv:1701.04128. Differs: the logit of the predicted class, not a unit random gradient.
    """
    modes = {module: module.training for module in network.modules()}
    row, column = (side // 2 for side in images.shape[-2:])
    total = torch.zeros(images.shape[-2:], dtype=images.dtype, device=images.device)
    network.eval()
    n_seen, deadline = 0, time.monotonic() + seconds
    try:
        with torch.enable_grad():
            for image in images.detach().split(1):  # one by one: the graph of a batch of large images fills the memory
                pixels = image.clone().requires_grad_()
                logits = network(pixels)[0, :, row, column]
                (gradient,) = torch.autograd.grad(logits[logits.argmax()], pixels)
                total += gradient[0].abs().sum(0)
                n_seen += 1
                if time.monotonic() > deadline:
                    break
    finally:
        for module, training in modes.items():
            module.training = training
    return (total / n_seen).cpu().numpy()


def distance_within(field: np.ndarray, share: float = 0.9) -> float:
    """Radius in pixels of the circle round the centre that holds a share of the field. Shapes: (H, W)."""
    distance = _distances(field).ravel()
    order = np.argsort(distance, kind="stable")
    cumulative = np.cumsum(field.ravel()[order], dtype=np.float64)
    if cumulative[-1] == 0:
        return 0.0
    return float(distance[order][np.searchsorted(cumulative, share * cumulative[-1])])


def share_beyond(field: np.ndarray, radius: float) -> float:
    """Share of the field's total that lies farther than `radius` pixels from the centre. Shapes: (H, W)."""
    total = field.sum(dtype=np.float64)
    beyond = field[_distances(field) > radius].sum(dtype=np.float64)
    return float(beyond / total) if total > 0 else 0.0


def seen_pixels(field: np.ndarray, relative: float = SEEN) -> float:
    """Share of the pixels whose magnitude is above `relative` times the largest. Shapes: (H, W)."""
    return float((field > relative * field.max()).mean())


def _distances(field: np.ndarray) -> np.ndarray:
    height, width = field.shape
    rows, columns = np.ogrid[:height, :width]
    return np.hypot(rows - height // 2, columns - width // 2)
