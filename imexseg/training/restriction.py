"""Batches at reduced resolution, for the coarser levels of multilevel training."""

import torch
from torch import Tensor

from imexseg.numerics.galerkin import restrict_image


def restrict_batch(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Shapes: (B, C, H, W), (B, H, W) → (B, C, ⌈H/2⌉, ⌈W/2⌉), (B, ⌈H/2⌉, ⌈W/2⌉)."""
    return restrict_image(pad_to_even(image)), restrict_mask(pad_to_even(mask))


def pad_to_even(X: Tensor) -> Tensor:
    """Repeat the last row and column where a size is odd. Shapes: (..., H, W) → (..., H or H+1, W or W+1)."""
    if X.shape[-2] % 2:
        X = torch.cat([X, X[..., -1:, :]], dim=-2)
    return torch.cat([X, X[..., -1:]], dim=-1) if X.shape[-1] % 2 else X


def restrict_mask(mask: Tensor) -> Tensor:
    """The most frequent class of every 2×2 pixels; of equally frequent ones the smallest number.

    Shapes: (B, H, W) → (B, H/2, W/2).
    """
    height, width = mask.shape[-2:]
    blocks = mask.view(-1, height // 2, 2, width // 2, 2).transpose(2, 3).flatten(3)
    return blocks.mode(-1).values
