"""The loss, by name: one of LOSSES, or a weighted sum of several such as cross-entropy+0.5*dice."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.data.description.labels import IGNORE
from imexseg.settings import one_of

LOSSES = ("cross-entropy", "dice", "focal", "lovasz")


def parse_loss(text: str) -> dict[str, float]:
    """Name → weight of every term. Raises: ValueError for a name that is not in LOSSES, or a weight that is not positive."""
    terms: dict[str, float] = {}
    for part in text.split("+"):
        factor, star, name = part.rpartition("*")
        name = one_of("loss", name.strip().replace("_", "-"), LOSSES)
        try:
            weight = float(factor) if star else 1.0
        except ValueError:
            weight = math.nan
        if not (weight > 0 and math.isfinite(weight)):
            raise ValueError(
                f"weight {factor.strip()!r} of {name} is not a number above 0; write for instance 0.5*{name}"
            )
        if name in terms:
            raise ValueError(f"{name} is named twice; name it once, for instance as 2*{name}")
        terms[name] = weight
    return terms


class Loss(nn.Module):
    """The weighted sum of the named terms. Shapes: logits (B, C, H, W), mask (B, H, W) int64 with 255 ignored → ().

    cross-entropy is the weighted mean over pixels. The others are those of segmentation-models-pytorch: dice is 1 - Dice
    averaged over the classes, lovasz the surrogate of 1 - IoU averaged over the classes that occur, focal (γ = 2) each class
    against the rest, averaged over pixels and classes.
    Args: class_weights: (C,), of cross-entropy alone. dice and lovasz count every class alike whatever its size, and focal
        weighs by how hard a pixel is: weights on top would balance twice.
    Properties: ignored pixels change nothing; 0 with zero gradients if all are ignored; computed in float32 under autocast.
    Raises: ValueError as parse_loss.
    """

    class_weights: Tensor

    def __init__(self, text: str, class_weights: Tensor):
        super().__init__()
        self.terms = parse_loss(text)
        self.register_buffer("class_weights", class_weights)
        self.overlaps = {name: _of_smp(name) for name in self.terms if name != "cross-entropy"}

    def forward(self, logits: Tensor, mask: Tensor) -> Tensor:
        with torch.autocast(device_type=logits.device.type, enabled=False):
            logits = logits.float()
            if not (mask != IGNORE).any():  # the mean over no pixels would be NaN
                return 0 * logits.sum()
            parts = [weight * self._term(name, logits, mask) for name, weight in self.terms.items()]
            return torch.stack(parts).sum()

    def _term(self, name: str, logits: Tensor, mask: Tensor) -> Tensor:
        if name != "cross-entropy":
            return self.overlaps[name](logits, mask)
        return F.cross_entropy(logits, mask, weight=self.class_weights, ignore_index=IGNORE)


def _of_smp(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    from segmentation_models_pytorch.losses import MULTICLASS_MODE, DiceLoss, FocalLoss, LovaszLoss

    kind = {"dice": DiceLoss, "focal": FocalLoss, "lovasz": LovaszLoss}[name]
    return kind(MULTICLASS_MODE, ignore_index=IGNORE)
