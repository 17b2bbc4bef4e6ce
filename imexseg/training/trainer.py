"""Lightning, configured for this project; whatever stops a run is reported together with how to continue."""

import logging
import warnings
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console

from imexseg.errors import JobError
from imexseg.layers.reversible import ReversibleChain
from imexseg.training.config import RunConfig
from imexseg.training.cycles import Cycles
from imexseg.training.data_module import SegmentationData
from imexseg.training.device import accelerator
from imexseg.training.early_stopping import StopEarly
from imexseg.training.pace import Pace
from imexseg.training.progress import RunProgress
from imexseg.training.recorder import AtomicCheckpoints, RunRecorder
from imexseg.training.run_folder import BEST, CONFIG, LAST, TENSORBOARD, has_finished_an_epoch
from imexseg.training.task import SegmentationTask

_USELESS = ("does not have many workers", "number of training batches", "barrier", "use_deterministic", "LeafSpec")


def make_trainer(config: RunConfig, folder: Path, recorder: RunRecorder, console: Console, pace: Pace) -> L.Trainer:
    """The engine of one run, or of one level of it."""
    quiet()
    stop = [StopEarly(config.early_stopping)] if config.early_stopping else []
    return L.Trainer(
        max_epochs=config.epochs,
        accelerator=accelerator(config),
        devices=config.devices,
        num_nodes=config.num_nodes,
        strategy="ddp" if config.n_processes > 1 else "auto",
        precision=config.precision,
        accumulate_grad_batches=config.accumulate,
        deterministic="warn",
        logger=TensorBoardLogger(folder, name=TENSORBOARD, version=""),
        # Cycles before the recorder, which writes the learning rate down; Pace too, whose state it saves.
        callbacks=[*stop, Cycles(config), pace, recorder, RunProgress(recorder, console)],
        plugins=[AtomicCheckpoints()],
        use_distributed_sampler=False,  # data/load/samplers.py: repeatable, and no image counted twice
        enable_checkpointing=False,  # the recorder does it, atomically
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
        default_root_dir=folder,
    )


def quiet() -> None:
    """Lightning's advice is for whoever writes the code."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    for useless in _USELESS:
        warnings.filterwarnings("ignore", message=f".*{useless}.*")


def run_trainer(
    trainer: L.Trainer, task: SegmentationTask, data: SegmentationData, level_folder: Path, folder: Path, resume: bool
) -> str | None:
    """Train to the end. Returns: why the run has ended early, in words; None if it has not. Raises: JobError."""
    try:
        trainer.fit(task, datamodule=data, ckpt_path=level_folder / LAST if resume else None, weights_only=True)
    except SystemExit:  # Lightning's answer to Ctrl-C
        raise JobError(interrupted(folder)) from None
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise JobError(out_of_memory(data.config, task, folder)) from None
    if trainer.interrupted:
        raise JobError(interrupted(folder))
    stop = trainer.early_stopping_callback
    return str(stop) if isinstance(stop, StopEarly) and stop.has_stopped else None


def is_out_of_memory(error: Exception) -> bool:
    """torch has a class of its own for a full GPU only; on a CPU, and inside of cuDNN and cuBLAS, the text says it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(
        text in str(error).lower() for text in ("out of memory", "not enough memory", "can't alloc", "alloc_failed")
    )


def out_of_memory(config: RunConfig, task: SegmentationTask, folder: Path) -> str:
    """What to say when a batch did not fit: what to change, and how to go on."""
    least = config.n_processes
    remedies = []
    if config.batch_size > least:
        half = config.batch_size // 2 // least * least or least
        more = config.accumulate * config.batch_size // half
        remedies.append(f"--batch-size {half} with --accumulate {more}, whose steps are as large")
    remedies.append("smaller pieces with --crop" if config.crop else "pieces of the images, such as --crop 256")
    if config.store_states:
        remedies.append("store_states: false")
    elif not any(isinstance(module, ReversibleChain) for module in task.modules()):
        remedies.append(
            "a reversible --model, such as hamiltonian-imex-lean, whose memory does not grow with its steps"
        )
    crop = f"pieces of {config.crop_size[0]} x {config.crop_size[1]} px" if config.crop_size else "whole images"
    said = f"out of memory with --batch-size {config.batch_size}, {crop}; try {'; or '.join(remedies)}"
    if not has_finished_an_epoch(folder):
        return f"{said}. No epoch was finished; {folder} holds no weights yet"
    begin = f"to begin with them under new settings, --init-weights {folder}; " if (folder / BEST).exists() else ""
    return (
        f"{said}. Every finished epoch is kept: {begin}"
        f"once memory is free again, continue unchanged with: imexseg train --resume {folder}"
    )


def interrupted(folder: Path) -> str:
    """What to say when a run was stopped before its end."""
    if has_finished_an_epoch(folder):
        return f"interrupted; every finished epoch is kept; continue with: imexseg train --resume {folder}"
    if (folder / CONFIG).exists():
        return f"interrupted before the first epoch was finished; begin it again with: imexseg train --resume {folder}"
    return "interrupted before the first epoch was finished; give the same command again"
