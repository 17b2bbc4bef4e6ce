"""Progress of a run: a bar with the remaining time on a terminal, one line per epoch elsewhere."""

import time

import lightning as L
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from imexseg.training.recorder import RunRecorder


class RunProgress(L.Callback):
    """One bar over all epochs; must stand behind the RunRecorder, whose history it shows."""

    def __init__(self, recorder: RunRecorder, console: Console):
        self.recorder = recorder
        self.console = console
        self._bar: Progress | None = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._first_epoch = trainer.current_epoch
        self._started = time.monotonic()
        if not self.console.is_terminal or not trainer.is_global_zero:
            return
        columns = (
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[scores]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
        )
        self._bar = Progress(*columns, console=self.console, transient=False)
        batches = int(trainer.num_training_batches)
        self._task = self._bar.add_task(
            "train",
            total=batches * (trainer.max_epochs or 1),
            completed=batches * self._first_epoch,
            epoch=self._first_epoch + 1,
            epochs=trainer.max_epochs,
            scores="",
        )
        self._bar.start()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module, outputs, batch, batch_idx: int) -> None:
        if self._bar is not None:
            self._bar.update(self._task, advance=1, epoch=trainer.current_epoch + 1)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        row = self.recorder.history[-1]
        scores = f"loss {row['train_loss']:.4f}  val mIoU {row['val_miou']:.4f}"
        if self._bar is not None:
            self._bar.update(self._task, scores=scores)
            return
        done = row["epoch"] - self._first_epoch
        left = (time.monotonic() - self._started) / done * ((trainer.max_epochs or 0) - row["epoch"])
        best = " (best)" if self.recorder.best_epoch == row["epoch"] else ""
        self.console.print(f"epoch {row['epoch']}/{trainer.max_epochs}  {scores}{best}  about {left:.0f} s left")

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._stop()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
