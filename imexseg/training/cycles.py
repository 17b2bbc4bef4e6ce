"""The learning rate of a run that was continued: each part has a one-cycle schedule of its own.

`epochs: 20, restarts: [12]` trains 12 epochs under one cycle and 8 under a second one, as `--resume RUN --epochs 20` does with a
finished run of 12. The moments of the optimiser are kept; the peak is the same (warm restarts: Loshchilov and Hutter 2017,
arXiv:1608.03983). A resumed run finds the cycle it is in within last.ckpt.
"""

from typing import Any

import lightning as L

from imexseg.training.config import RunConfig
from imexseg.training.pace import PacedCycle


class Cycles(L.Callback):
    """Puts a new schedule in place at the beginning of each part."""

    def __init__(self, config: RunConfig):
        self.config = config

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        begins = [0, *self.config.restarts]
        if len(begins) == 1 or trainer.current_epoch not in begins:
            return
        ends = [*self.config.restarts, self.config.epochs]
        epochs = ends[begins.index(trainer.current_epoch)] - trainer.current_epoch
        steps_per_epoch = int(trainer.estimated_stepping_batches) // self.config.epochs
        schedule: Any = PacedCycle(trainer.optimizers[0], self.config.learning_rate, steps_per_epoch * epochs)
        trainer.lr_scheduler_configs[0].scheduler = schedule
