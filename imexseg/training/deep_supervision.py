"""Deep supervision: while training, every stage tells the classes by itself, through a 1×1 map that is thrown away at the end.

Source: Lee, Xie, Gallagher, Zhang, Tu 2015, arXiv:1409.5185.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.errors import UsageError
from imexseg.models.contract import ImageNetwork, PlacedFlow


def stages_of(network: ImageNetwork) -> list[PlacedFlow]:
    """The time steps that something else follows than the classifier. Raises: UsageError if there are none."""
    placed = network.flows()
    if len(placed) < 2:
        raise UsageError(
            f"deep_supervision: {type(network).__name__} has no stages before its last one that could be supervised; set it "
            "to 0, or choose a --model of several scales, such as imex-residual-lean-photo-s"
        )
    return [at for at in placed if not at.refines]


class StageHeads(nn.Module):
    """The 1×1 maps. They are no part of the network: neither its weights file nor an export has them."""

    def __init__(self, network: ImageNetwork):
        super().__init__()
        classes = network.config.num_classes
        self.heads = nn.ModuleList(nn.Conv2d(at.flow.settings.channels, classes, 1) for at in stages_of(network))
        self._answers: list[tuple[Tensor, int]] = []

    @contextmanager
    def watching(self, network: ImageNetwork) -> Iterator[None]:
        """Within it, what the stages answer is kept for `loss`."""
        self._answers = []
        hooks = [at.flow.register_forward_hook(self._keeping(at.stride)) for at in stages_of(network)]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _keeping(self, stride: int) -> Callable[[nn.Module, Any, Tensor], None]:
        return lambda module, given, answer: self._answers.append((answer, stride))

    def loss(self, loss: Callable[[Tensor, Tensor], Tensor], mask: Tensor) -> Tensor:
        """The mean over the stages, each interpolated to the size of the mask. Shapes: (B, H, W) → ()."""
        height, width = mask.shape[-2:]
        losses = []
        for head, (answer, stride) in zip(self.heads, self._answers, strict=True):
            logits = F.interpolate(head(answer), scale_factor=float(stride), mode="bilinear", align_corners=False)
            losses.append(loss(logits[..., :height, :width], mask))
        self._answers = []
        return torch.stack(losses).mean()
