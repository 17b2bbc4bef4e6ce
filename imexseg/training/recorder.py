"""Saves the state of a run after every epoch: metrics.csv, best.safetensors, last.ckpt, in this order."""

import csv
import io
import math
import time
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from imexseg.errors import JobError
from imexseg.files import write_atomically
from imexseg.models.artefact import not_finite, save_weights
from imexseg.models.contract import ImageNetwork
from imexseg.models.info import ModelInfo
from imexseg.training.run_folder import BEST, LAST, METRICS


class RunRecorder(L.Callback):
    """last.ckpt is written last and renamed into place: a process killed at any moment resumes from a finished epoch.

    Its own state (history, best score) travels in last.ckpt.
    """

    def __init__(self, folder: Path, network: ImageNetwork, info: ModelInfo, run_folder: Path | None = None):
        self.folder = folder
        self.run_folder = run_folder or folder  # differs for a coarser level
        self.network = network
        self.info = info
        self.history: list[dict[str, Any]] = []
        self.best_miou = -1.0
        self.best_epoch = 0
        self._started = 0.0
        self._learning_rate = 0.0

    def state_dict(self) -> dict[str, Any]:
        begun_with = self.info.model_dump_json(include={"names", "network", "data", "training"})
        state = {"history": self.history, "best_miou": self.best_miou, "best_epoch": self.best_epoch}
        return state | {"begun_with": begun_with}

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
        self._require_finite(epoch, measured["val_loss"])
        try:
            if trainer.is_global_zero:
                write_atomically(self.folder / METRICS, _as_csv(self.history))
                if is_best:
                    metrics = {"split": "val", "miou": self.best_miou, "epoch": epoch}
                    info = self.info.model_copy(update={"metrics": metrics})
                    save_weights(self.folder / BEST, self.network, info)
            # Every process takes part in assembling a checkpoint; the first one writes it.
            trainer.save_checkpoint(self.folder / LAST)
        except JobError as error:
            raise JobError(f"{error}; then continue with: imexseg train --resume {self.run_folder}") from error

    def _require_finite(self, epoch: int, val_loss: float) -> None:
        """The train_loss alone says nothing: mixed precision skips a step whose gradients overflow."""
        if math.isfinite(val_loss) and not not_finite(self.network.state_dict()):
            return
        rate = self.info.training.get("learning_rate", 0.0)
        kept = ""
        if (self.folder / BEST).exists():
            kept = f"; {self.folder / BEST} holds the best earlier epoch; to begin with it, add --init-weights {self.run_folder}"
        raise JobError(
            f"training diverged in epoch {epoch}: its weights or its loss are no longer finite numbers, and nothing of it was "
            f"kept. Begin again with a lower rate, for instance --learning-rate {rate / 4:g} instead of {rate:g}{kept}"
        )


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_atomically(Path(path), buffer.getvalue())


def _as_csv(history: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(history[0]))
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()
