"""From settings to trained weights: check the data, build the network, train it, keep every finished epoch."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import lightning as L
import torch
from rich.console import Console

import imexseg
from imexseg.data.check.problem import as_lines
from imexseg.data.check.report import check_dataset
from imexseg.data.check.scan import Progress, SplitFacts
from imexseg.data.description.data_yaml import DataDescription, load_description
from imexseg.data.read.as_trained import full_scale
from imexseg.data_gen import write_dataset
from imexseg.files import folder_appearing_whole, write_atomically
from imexseg.models.build import build_network
from imexseg.models.contract import ImageNetwork
from imexseg.models.info import ModelInfo
from imexseg.models.prediction_info import PixelRange
from imexseg.numerics.scaling import seen_size
from imexseg.training.checkpoint import require_same_run
from imexseg.training.config import RunConfig
from imexseg.training.data_module import SegmentationData
from imexseg.training.distil import DistilledTask
from imexseg.training.multilevel import levels, network_settings
from imexseg.training.pace import Pace, paced_epochs
from imexseg.training.recorder import RunRecorder
from imexseg.training.run_folder import (
    BEST,
    ENVIRONMENT,
    GENERATED_DATA,
    LAST,
    add_to_environment,
    environment,
    process_rank,
    record_paces,
)
from imexseg.training.task import SegmentationTask, balanced_class_weights
from imexseg.training.teacher import find_teacher
from imexseg.training.temperature import calibrate
from imexseg.training.trainer import make_trainer, run_trainer
from imexseg.training.transfer import take_weights


@dataclass(frozen=True)
class TrainedRun:
    """What fit() leaves behind, beside the files in the folder."""

    folder: Path
    description: DataDescription
    history: list[dict]
    best_miou: float
    best_epoch: int
    seconds: float


@dataclass(frozen=True)
class RunData:
    """What one look at the data found, before anything else is done with it."""

    description: DataDescription
    train: SplitFacts
    val: SplitFacts
    warnings: list[str] = field(default_factory=list)  # what does not keep anyone from training


def look_at_data(data: Path, progress: Progress = lambda n_done, n_total: None) -> RunData:
    """Read data.yaml and every file of the training and validation splits once, as `imexseg check` does.

    Raises: UsageError with a line for each thing that is wrong.
    """
    report = check_dataset(load_description(data), ("train", "val"), progress)
    report.require_no_errors()
    return RunData(report.description, report.splits["train"], report.splits["val"], as_lines(report.warnings))


def generate_data(config: RunConfig, folder: Path) -> Path:
    """The Q-tips of a run that was given no data, written into its folder unless they are there already."""
    data = folder / GENERATED_DATA
    if process_rank() == 0 and not data.exists():
        q = config.qtips
        with folder_appearing_whole(data) as building:
            write_dataset(building, q.preset, q.size, {"train": q.train, "val": q.val, "test": q.test}, q.seed)
    return data


def fit(
    config: RunConfig,
    folder: Path,
    data: RunData,
    console: Console,
    resume: bool = False,
    seconds: float | None = None,
    whole: Path | None = None,
) -> TrainedRun:
    """Train as the settings say and leave best.safetensors, last.ckpt and metrics.csv in the folder.

    Args: resume: go on from the folder's last.ckpt; the final weights equal those of an uninterrupted run.
        seconds: of the clock that are left for it, where config has a budget; None: the whole budget.
        whole: the folder of the run that this one is a part of, for what is said of going on.
    Raises: JobError if interrupted or if a file cannot be written.
    """
    if process_rank() == 0 and not resume:
        write_atomically(folder / ENVIRONMENT, json.dumps(environment(config), indent=2))
    if config.cpu_threads is not None:
        torch.set_num_threads(config.cpu_threads)
    L.seed_everything(config.seed, workers=True, verbose=False)
    taught = find_teacher(config, data.description.names, data.train, folder) if config.teacher else None
    started = time.monotonic()
    seconds = config.budget if seconds is None else seconds
    for level, network, level_folder in levels(config, folder, data):
        _require_sizes(config, network, data)
        begun = _begin(config, network, folder, resume, console)
        task = task_of(config, network, data)
        coarser = {"epochs": config.level_epochs or config.epochs, "restarts": []}
        at_level = config.model_copy(update=coarser) if level else config
        info = model_info(config, data, network, begun)
        if taught:
            info.training.update(teacher=taught[0].facts(), unlabelled=len(taught[1].paths))
        recorder = RunRecorder(level_folder, network, info, whole or folder)
        pace = Pace(seconds if config.budget else None, config.fill_budget, config.paces, console.print)
        go_on = resume and (level_folder / LAST).exists()
        if go_on:
            require_same_run(level_folder / LAST, task, recorder)
            at_level = at_level.model_copy(update={"epochs": paced_epochs(level_folder / LAST) or at_level.epochs})
        trainer = make_trainer(at_level, level_folder, recorder, console, pace)
        if config.levels > 1 and process_rank() == 0:
            console.print(f"images at 1/{2**level} of their size" if level else "images at their own size")
        batches = SegmentationData(config, data.train, data.val, level, taught)
        if process_rank() == 0:
            console.print(batches.in_words())
        stopped = run_trainer(trainer, task, batches, level_folder, whole or folder, go_on)
        if stopped and process_rank() == 0:
            console.print(f"stopped {stopped}")
            add_to_environment(folder, f"stopped at 1/{2**level} of the size" if level else "stopped", stopped)
        if config.budget is not None and process_rank() == 0:
            record_paces(folder, [(after, total) for after, total in pace.paces])
    if process_rank() == 0:
        calibrate(folder / BEST, data.val)
    if taught and process_rank() == 0:
        taught[0].forget()
    seconds = time.monotonic() - started
    return TrainedRun(folder, data.description, recorder.history, recorder.best_miou, recorder.best_epoch, seconds)


def task_of(config: RunConfig, network: ImageNetwork, data: RunData) -> SegmentationTask:
    """What is optimised, as the settings say."""
    class_pixels = torch.from_numpy(data.train.class_pixels)
    balanced = config.class_weights == "auto"
    task = (DistilledTask if config.teacher else SegmentationTask)(
        network,
        data.description.names,
        balanced_class_weights(class_pixels) if balanced else torch.ones(len(class_pixels)),
        config.learning_rate,
        config.weight_decay,
        config.time_smoothness,
        config.loss,
    )
    return task.follow(config.distillation) if isinstance(task, DistilledTask) else task


def check_network(config: RunConfig, data: RunData) -> None:
    """Before anything is written: that network, levels and images go together. Raises: UsageError."""
    _require_sizes(config, build_network(network_settings(config, data)), data)


def _require_sizes(config: RunConfig, network: ImageNetwork, data: RunData) -> None:
    """Some networks of other libraries cannot take small images. Raises: UsageError."""
    smallest = min(data.train.sizes)
    if config.long_side is not None:
        smallest = seen_size(smallest[0], smallest[1], config.long_side)
    network.require_size(config.crop_size or smallest)


def _begin(config: RunConfig, network: ImageNetwork, folder: Path, resume: bool, console: Console) -> str | None:
    """Take over the init_weights, or those of ImageNet, if any.

    Returns: in words what was taken, also of a run that is resumed.
    """
    if config.init_weights is None:
        if network.config.begins_pretrained and not resume:
            network.take_pretrained()
        return None
    if resume:  # last.ckpt has all weights
        return json.loads((folder / ENVIRONMENT).read_text())["init_weights"]
    begun = str(take_weights(network, config.init_weights))
    if process_rank() == 0:
        console.print(f"begins with {begun}")
        add_to_environment(folder, "init_weights", begun)
    return begun


def model_info(config: RunConfig, data: RunData, network: ImageNetwork, begun: str | None = None) -> ModelInfo:
    """What the weights will say of themselves. Args: begun: what the network began with, None for random weights."""
    generated = config.qtips.model_dump() if config.data is None else None
    return ModelInfo(
        model=config.model,
        network=network.config,
        names=data.description.names,
        palette=data.description.palette,
        values=data.description.values,
        full_scale=data.description.white or full_scale(data.train.dtype),
        pixel_range=PixelRange.model_validate(
            {"dtype": data.train.dtype.name, "lowest": data.train.lowest, "highest": data.train.highest}
        ),
        data={
            "name": f"qtips {config.qtips.preset}" if generated else data.description.root.resolve().name,
            "generator": generated,
            "train_images": len(data.train.pairs),
            "val_images": len(data.val.pairs),
            "size": Counter(data.train.sizes).most_common(1)[0][0],  # (H, W) in pixels, of most images
            "licence": data.description.licence,
        },
        metrics={},
        training=config.model_dump(mode="json", exclude={"data", "output", "qtips"}) | {"init_weights": begun},
        version=imexseg.__version__,
    )
