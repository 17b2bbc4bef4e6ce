"""Saves the state of a run after every epoch: metrics.csv, best.safetensors, last.ckpt, in this order."""

import csv
import io
import time
from pathlib import Path
from typing import Any

import lightning as L

from imexseg.errors import JobError
from imexseg.files import write_atomically
from imexseg.models.artefact import save_weights
from imexseg.models.info import ModelInfo
from imexseg.models.network import ImageNetwork
from imexseg.training.run_folder import BEST, LAST, METRICS


class RunRecorder(L.Callback):
    """last.ckpt is written last and renamed into place: a process killed at any moment resumes from a finished epoch.

    Its own state (history, best score) travels in last.ckpt.
    """

    def __init__(self, folder: Path, network: ImageNetwork, info: ModelInfo):
        self.folder = folder
        self.network = network
        self.info = info
        self.history: list[dict[str, Any]] = []
        self.best_miou = -1.0
        self.best_epoch = 0
        self._started = 0.0
        self._learning_rate = 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history, "best_miou": self.best_miou, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history = state_dict["history"]
        self.best_miou = state_dict["best_miou"]
        self.best_epoch = state_dict["best_epoch"]

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._started = time.monotonic()
        self._learning_rate = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        epoch = trainer.current_epoch + 1
        measured = {name: float(trainer.callback_metrics[name]) for name in ("train_loss", "val_loss", "val_miou")}
        row = {"epoch": epoch, **measured, "learning_rate": self._learning_rate}
        self.history.append(row | {"seconds": time.monotonic() - self._started})
        # Of equal epochs the later one: the schedule has cooled further, and few validation images saturate at 1.
        is_best = measured["val_miou"] >= self.best_miou
        if is_best:
            self.best_miou, self.best_epoch = measured["val_miou"], epoch
        if trainer.is_global_zero:
            write_atomically(self.folder / METRICS, _as_csv(self.history))
            if is_best:
                metrics = {"split": "val", "miou": self.best_miou, "epoch": epoch}
                info = self.info.model_copy(update={"metrics": metrics})
                save_weights(self.folder / BEST, self.network, info)
        # Every process takes part in assembling a checkpoint; the first one writes it.
        self._save_checkpoint(trainer)

    def _save_checkpoint(self, trainer: L.Trainer) -> None:
        temporary = self.folder / f".{LAST}.part"
        try:
            trainer.save_checkpoint(temporary)
            if trainer.is_global_zero:
                temporary.replace(self.folder / LAST)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            temporary.unlink(missing_ok=True)
            raise JobError(
                f"{self.folder / LAST}: cannot be written ({error}); free some space, then --resume"
            ) from error


def _as_csv(history: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]))
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()
