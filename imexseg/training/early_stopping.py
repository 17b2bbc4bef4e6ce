"""Stopping a run that no longer improves."""

import lightning as L
from lightning.pytorch.callbacks import EarlyStopping


class StopEarly(EarlyStopping):
    """Ends a run after `patience` epochs in a row without a higher val mIoU than before.

    It counts behind each validation, before the RunRecorder writes last.ckpt with its count: a run that is resumed goes on
    counting, and one that was ended stays ended.
    """

    def __init__(self, patience: int):
        super().__init__("val_miou", patience=patience, mode="max", check_finite=False, check_on_train_epoch_end=False)

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        trainer.should_stop = self.has_stopped

    @property
    def has_stopped(self) -> bool:
        return self.wait_count >= self.patience

    def __str__(self) -> str:
        """What has happened, for a person. Only of a run that has_stopped."""
        return f"after epoch {self.stopped_epoch + 1}: no higher val mIoU in {self.patience} epochs"
