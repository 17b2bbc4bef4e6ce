"""Lightning, set up for this project; what stops it is reported with the way to go on."""

import logging
import warnings
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console

from imexseg.errors import JobError
from imexseg.training.config import RunConfig
from imexseg.training.data_module import SegmentationData
from imexseg.training.early_stopping import StopEarly
from imexseg.training.progress import RunProgress
from imexseg.training.recorder import RunRecorder
from imexseg.training.run_folder import LAST, TENSORBOARD
from imexseg.training.task import SegmentationTask

_USELESS = ("does not have many workers", "number of training batches", "barrier", "use_deterministic", "LeafSpec")


def make_trainer(config: RunConfig, folder: Path, recorder: RunRecorder, console: Console) -> L.Trainer:
    """The engine of one run, or of one level of it."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    for useless in _USELESS:
        warnings.filterwarnings("ignore", message=f".*{useless}.*")
    stop = [StopEarly(config.early_stopping)] if config.early_stopping else []
    return L.Trainer(
        max_epochs=config.epochs,
        accelerator=config.accelerator if config.devices == 1 or torch.cuda.is_available() else "cpu",
        devices=config.devices,
        strategy="ddp" if config.devices > 1 else "auto",
        deterministic="warn",
        logger=TensorBoardLogger(folder, name=TENSORBOARD, version=""),
        callbacks=[*stop, recorder, RunProgress(recorder, console)],
        use_distributed_sampler=False,  # data/samplers.py: repeatable, and no image counted twice
        enable_checkpointing=False,  # the recorder does it, atomically
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
        default_root_dir=folder,
    )


def run_trainer(
    trainer: L.Trainer, task: SegmentationTask, data: SegmentationData, level_folder: Path, folder: Path, resume: bool
) -> str | None:
    """Train to the end. Returns: why the run has ended early, in words; None if it has not. Raises: JobError."""
    try:
        trainer.fit(task, datamodule=data, ckpt_path=level_folder / LAST if resume else None, weights_only=True)
    except SystemExit:  # Lightning's answer to Ctrl-C
        raise JobError(interrupted(level_folder, folder)) from None
    if trainer.interrupted:
        raise JobError(interrupted(level_folder, folder))
    stop = trainer.early_stopping_callback
    return str(stop) if isinstance(stop, StopEarly) and stop.has_stopped else None


def interrupted(level_folder: Path, folder: Path) -> str:
    """What to say when a run was stopped before its end. Args: level_folder: of the level it was at."""
    if (level_folder / LAST).exists() or level_folder != folder:
        return f"interrupted; every finished epoch is kept, go on with: imexseg train --resume {folder}"
    return f"interrupted before the first epoch was finished; {folder} holds no weights yet"
