"""Keeping a budget of seconds: after every epoch the number of epochs is fitted to the time that is left.

The learning rate still comes down to its end: what is left of the cycle is stretched or compressed over the epochs that are
left, without a jump (PacedCycle). Each change is written down as [after so many epochs, so many in all]; `paces` in config.yaml
repeats them without looking at the clock, so a finished run can be repeated weight for weight. A run that is resumed has the
seconds that were left at its last checkpoint, and its changes may be others than those of an uninterrupted run.
"""

import itertools
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import lightning as L
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR

SPARE = 0.08  # of the budget: less time than this left over is not worth a change
LATEST = 0.8  # of the epochs: behind it none is added, since the learning rate has nearly come down


class PacedCycle(OneCycleLR):
    """OneCycleLR whose end can be moved: what is left of the cycle is spread evenly over the steps that are left."""

    def __init__(self, optimizer: Optimizer, max_lr: float, total_steps: int):
        self.changes: list[list[float]] = []  # [step, place in the cycle there, places per step from there on]
        super().__init__(optimizer, max_lr, total_steps=total_steps)

    def end_at(self, n_steps: int) -> None:
        """Reach the end of the cycle with the last of n_steps steps, those done so far included."""
        done = self.last_epoch
        at = self._place(done)
        left = n_steps - 1 - done
        self.changes.append([done, at, (self.total_steps - 1 - at) / left if left > 0 else 0.0])

    def _place(self, step: float) -> float:
        if not self.changes:
            return step
        begin, at, rate = self.changes[-1]
        return min(at + (step - begin) * rate, self.total_steps)

    def get_lr(self) -> list[Any]:
        step: Any = self.last_epoch
        self.last_epoch = self._place(step)  # type: ignore[assignment]
        try:
            return super().get_lr()
        finally:
            self.last_epoch = step


class Pace(L.Callback):
    """Changes the number of epochs, by the clock or as written down. Stands before the RunRecorder, which saves its state.

    Args: seconds: left for all that trainer.fit does; None: no clock.  fill: whether epochs may be added too.
        paces: changes to repeat, [after so many epochs, so many in all].
    """

    def __init__(
        self,
        seconds: float | None,
        fill: bool,
        paces: list[tuple[int, int]],
        say: Callable[[str], None] = lambda message: None,
    ):
        self.seconds = seconds
        self.fill = fill
        self.replayed = dict(paces)
        self.paces: list[list[int]] = []
        self.say = say
        self._ends: list[float] = []  # of epochs, seconds after the start
        self._started = 0.0

    def state_dict(self) -> dict[str, Any]:
        left = None if self.seconds is None else self.seconds - (monotonic() - self._started)
        return {"paces": self.paces, "seconds": left}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.paces = [list(change) for change in state_dict["paces"]]
        if self.seconds is not None and state_dict["seconds"] is not None:
            self.seconds = state_dict["seconds"]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._started = monotonic()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        done, planned = trainer.current_epoch + 1, int(trainer.max_epochs or 0)
        if self.seconds is None:
            total = self.replayed.get(done, planned)
        else:
            total = trainer.strategy.broadcast(self._fitting(done, planned, self.seconds))
        if total == planned:
            return
        self.paces.append([done, total])
        steps = math.ceil(trainer.num_training_batches / trainer.accumulate_grad_batches) * total
        schedule: Any = trainer.lr_scheduler_configs[0].scheduler
        schedule.end_at(steps)
        trainer.fit_loop.max_epochs = total
        if trainer.is_global_zero and self.seconds is not None:
            self.say(f"{total} epochs instead of {planned}, to keep the budget; the learning rate follows")

    def _fitting(self, done: int, planned: int, seconds: float) -> int:
        """How many epochs there should be in all."""
        elapsed = monotonic() - self._started
        self._ends.append(elapsed)
        # The first epoch reads the files; the others show what an epoch takes, including what is saved after it.
        lasted = [b - a for a, b in itertools.pairwise(self._ends)]
        each = max(statistics.fmean(lasted[-3:]) if lasted else elapsed, 1e-6)
        left = seconds - elapsed
        fitting = done + max(0, int(left / each))
        if fitting < planned:
            return fitting
        worth = (fitting - planned) * each > SPARE * seconds
        return fitting if self.fill and lasted and worth and done <= LATEST * planned else planned


def paced_epochs(checkpoint: Path) -> int | None:
    """How many epochs there are in all according to a last.ckpt; None if the clock has not changed it."""
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")["callbacks"].get("Pace", {})
    return state["paces"][-1][1] if state.get("paces") else None
