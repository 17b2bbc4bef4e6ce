"""The optimisation problem: a loss, AdamW with a one-cycle schedule, and scores counted by torchmetrics."""

from collections.abc import Iterator
from contextlib import contextmanager

import lightning as L
import torch
from torch import Tensor
from torchmetrics.classification import MulticlassConfusionMatrix

from imexseg.data.description.labels import IGNORE
from imexseg.evaluation.scores import Scores
from imexseg.layers.time_series import time_smoothness
from imexseg.models.contract import ImageNetwork
from imexseg.training.losses import Loss
from imexseg.training.pace import PacedCycle


def balanced_class_weights(class_pixels: Tensor) -> Tensor:
    """1/√frequency, scaled so that the most frequent class has weight 1; absent classes too have weight 1.

    The root is a compromise: 1/frequency lets a rare class drown the background, equal weights let the background win.
    Shapes: (classes,) pixels → (classes,).
    """
    count = class_pixels.double()
    return torch.where(count > 0, (count.max() / count.clamp(min=1)).sqrt(), torch.ones_like(count)).float()


def smoothness_in_time(network: ImageNetwork) -> Tensor | float:
    """Σ of layers/time_series.time_smoothness over the flows, those behind a pyramid excepted; 0 for a network without steps."""
    total: Tensor | float = 0.0
    for flow in (placed.flow for placed in network.flows() if not placed.refines):
        total = total + time_smoothness(flow, flow.settings.step_size)
    return total


@contextmanager
def _in_any_order() -> Iterator[None]:
    """Counts are integers, exact in any order; torchmetrics counts by a slow detour where determinism is asked for."""
    asked_for, only_warned = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(asked_for, warn_only=only_warned)


class SegmentationTask(L.LightningModule):
    """Trains `network`; batches are images (B, C, H, W) float and masks (B, H, W) int64 with 255 ignored."""

    def __init__(
        self,
        network: ImageNetwork,
        names: list[str],
        class_weights: Tensor,
        learning_rate: float,
        weight_decay: float,
        smoothness: float = 0.0,
        loss: str = "cross-entropy",
    ):
        super().__init__()
        self.network = network
        self.names = tuple(names)
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.smoothness = smoothness  # weight of the smoothness in time
        self.loss = Loss(loss, class_weights)
        self.confusion = MulticlassConfusionMatrix(len(names), ignore_index=IGNORE, validate_args=False)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> Tensor:
        image, mask = batch
        loss = self.loss(self.network.at_own_scale(image), mask)
        self.log("train_loss", loss, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(mask))
        return loss + self.smoothness * smoothness_in_time(self.network) if self.smoothness else loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> None:
        image, mask = batch
        logits = self.network.at_own_scale(image)
        with _in_any_order():
            self.confusion.update(logits.argmax(1), mask)
        real = int((mask != IGNORE).flatten(1).any(1).sum())  # images that only fill up the last batch weigh nothing
        self.log("val_loss", self.loss(logits, mask), on_epoch=True, sync_dist=True, batch_size=real)

    def on_validation_epoch_end(self) -> None:
        confusion = self.confusion.compute().cpu().numpy()  # summed over all processes
        self.confusion.reset()
        scores = Scores(self.names, confusion, images=0)
        self.log("val_miou", scores.miou, rank_zero_only=False)

    def configure_optimizers(self):
        # Decay pulls on kernels only: on scales and shifts of a normalisation it means nothing.
        kernels = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": kernels, "weight_decay": self.weight_decay}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=self.learning_rate)
        n_steps = int(self.trainer.estimated_stepping_batches)
        schedule = PacedCycle(optimizer, self.learning_rate, n_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
