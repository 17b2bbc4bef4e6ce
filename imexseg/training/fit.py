"""From settings to trained weights: check the data, build the network, train it, keep every finished epoch."""

import json
import logging
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console

import imexseg
from data_gen import write_dataset
from imexseg.data.checks import SplitFacts, scan_split
from imexseg.data.images import full_scale
from imexseg.data.schema import DataDescription, load_description
from imexseg.errors import JobError, UsageError
from imexseg.files import write_atomically
from imexseg.models.artefact import ModelInfo
from imexseg.models.network import SegmentationNetwork
from imexseg.models.registry import network_config
from imexseg.training.config import RunConfig
from imexseg.training.data_module import RunData
from imexseg.training.progress import RunProgress
from imexseg.training.recorder import RunRecorder
from imexseg.training.run_folder import ENVIRONMENT, GENERATED_DATA, LAST, TENSORBOARD, environment, process_rank
from imexseg.training.task import SegmentationTask, balanced_class_weights


@dataclass(frozen=True)
class TrainedRun:
    """What fit() leaves behind, beside the files in the folder."""

    folder: Path
    description: DataDescription
    history: list[dict]
    best_miou: float
    best_epoch: int
    seconds: float


def data_of_run(config: RunConfig, folder: Path) -> Path:
    """The data folder of a run; without one in the settings, Q-tips are generated into the run folder."""
    if config.data is not None:
        return config.data
    data = folder / GENERATED_DATA
    if process_rank() == 0 and not data.exists():
        q = config.qtips
        try:
            write_dataset(data, q.preset, q.size, {"train": q.train, "val": q.val, "test": q.test}, q.seed)
        except OSError as error:
            raise JobError(f"{data}: cannot be written ({error.strerror or error}); choose another --output") from None
    return data


def fit(config: RunConfig, folder: Path, console: Console, resume: bool = False) -> TrainedRun:
    """Train as the settings say and leave best.safetensors, last.ckpt and metrics.csv in the folder.

    Args: resume: go on from the folder's last.ckpt; the final weights equal those of an uninterrupted run.
    Raises: UsageError for data or settings that cannot work; JobError if interrupted or if a file cannot be written.
    """
    if config.batch_size % config.devices:
        raise UsageError(
            f"--batch-size {config.batch_size} cannot be shared by --devices {config.devices}; use a multiple of it"
        )
    description = load_description(data_of_run(config, folder))
    train, val = (scan_split(description, split) for split in ("train", "val"))
    if train.channels != val.channels and description.channels is None:
        raise UsageError(
            f"{description.root}: training images have {train.channels} channels, validation images {val.channels}; "
            "write `channels: N` into data.yaml"
        )
    if train.dtype != val.dtype:
        raise UsageError(
            f"{description.root}: training images are {train.dtype}, validation images {val.dtype}; store them alike"
        )
    # The first process says when the folder is ready; the others wait for this file.
    if process_rank() == 0:
        write_atomically(folder / ENVIRONMENT, json.dumps(environment(config), indent=2))
    L.seed_everything(config.seed, workers=True, verbose=False)
    network = build_network(config, description, train)
    weights = torch.from_numpy(train.class_pixels)
    class_weights = balanced_class_weights(weights) if config.class_weights == "auto" else torch.ones(len(weights))
    task = SegmentationTask(network, description.names, class_weights, config.learning_rate, config.weight_decay)
    recorder = RunRecorder(folder, network, model_info(config, description, train, val, network))
    trainer = _trainer(config, folder, recorder, console)
    started = time.monotonic()
    _run(trainer, task, RunData(config, train, val), folder, resume)
    seconds = time.monotonic() - started
    return TrainedRun(folder, description, recorder.history, recorder.best_miou, recorder.best_epoch, seconds)


def build_network(config: RunConfig, description: DataDescription, train: SplitFacts) -> SegmentationNetwork:
    """The network of the settings, normalising by the statistics of the training images."""
    try:
        network = network_config(
            config.model,
            **config.network,
            in_channels=train.channels,
            num_classes=len(description.names),
            mean=train.mean,
            std=train.std,
        )
    except (ValueError, TypeError) as error:
        raise UsageError(f"network settings {config.network}: {' '.join(str(error).split())}") from None
    return SegmentationNetwork(network)


def model_info(
    config: RunConfig, description: DataDescription, train: SplitFacts, val: SplitFacts, network: SegmentationNetwork
) -> ModelInfo:
    """What the weights will say of themselves."""
    generated = config.qtips.model_dump() if config.data is None else None
    return ModelInfo(
        model=config.model,
        network=network.config,
        names=description.names,
        palette=description.palette,
        full_scale=full_scale(train.dtype),
        data={
            "name": f"qtips {config.qtips.preset}" if generated else description.root.resolve().name,
            "generator": generated,
            "train_images": len(train.pairs),
            "val_images": len(val.pairs),
        },
        metrics={},
        training=config.model_dump(mode="json", exclude={"data", "output", "qtips"}),
        version=imexseg.__version__,
    )


def _trainer(config: RunConfig, folder: Path, recorder: RunRecorder, console: Console) -> L.Trainer:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    for useless in ("does not have many workers", "number of training batches", "barrier", "use_deterministic"):
        warnings.filterwarnings("ignore", message=f".*{useless}.*")
    return L.Trainer(
        max_epochs=config.epochs,
        accelerator=config.accelerator if config.devices == 1 or torch.cuda.is_available() else "cpu",
        devices=config.devices,
        strategy="ddp" if config.devices > 1 else "auto",
        deterministic="warn",
        logger=TensorBoardLogger(folder, name=TENSORBOARD, version=""),
        callbacks=[recorder, RunProgress(recorder, console)],
        use_distributed_sampler=False,  # data/samplers.py: repeatable, and no image counted twice
        enable_checkpointing=False,  # the recorder does it, atomically
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
        default_root_dir=folder,
    )


def _run(trainer: L.Trainer, task: SegmentationTask, data: RunData, folder: Path, resume: bool) -> None:
    checkpoint = folder / LAST if resume else None
    try:
        trainer.fit(task, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except SystemExit:  # Lightning's answer to Ctrl-C
        raise JobError(interrupted(folder)) from None
    if trainer.interrupted:
        raise JobError(interrupted(folder))


def interrupted(folder: Path) -> str:
    """What to say when a run was stopped before its end."""
    if (folder / LAST).exists():
        return f"interrupted; every finished epoch is kept, go on with: imexseg train --resume {folder}"
    return f"interrupted before the first epoch was finished; {folder} holds no weights yet"
