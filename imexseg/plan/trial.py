"""What training takes on this machine: a few real steps of the optimiser, of the very engine that trains, on the user's images.

Nothing is written. The first step, which allocates and chooses algorithms, does not count.
"""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import lightning as L
import torch

from imexseg.models.build import build_network
from imexseg.training.config import RunConfig
from imexseg.training.data_module import SegmentationData
from imexseg.training.device import accelerator
from imexseg.training.fit import RunData, task_of
from imexseg.training.multilevel import network_settings
from imexseg.training.trainer import is_out_of_memory, quiet

LEAST_STEPS = 2
MOST_STEPS = 25
VALIDATED = 4  # batches
AUGMENTED = 6  # images, to tell reading from augmenting


@dataclass(frozen=True)
class Speed:
    """Units: seconds. step, augment, read: per training image; validate: per validation image, reading left out.

    read: of the file, in the first pass over the images only where they are kept in memory.  start: until the first step counted.
    batch_size: that fitted into memory.  pixels: of an image as the network sees it in training.
    """

    step: float
    augment: float
    read: float
    validate: float
    start: float
    steps: int
    batch_size: int
    pixels: float
    kept: bool
    took: float

    @property
    def image(self) -> float:
        """Of a training image after the first pass, without workers."""
        return self.step + self.augment


def try_steps(config: RunConfig, data: RunData, limit: float) -> Speed:
    """Train for about `limit` seconds, or for two steps if they take longer.

    Raises: UsageError for images that cannot be read.
    """
    begun = perf_counter()
    while True:
        try:
            return _try(config, data, limit, begun)
        except (RuntimeError, MemoryError) as error:
            smaller = config.batch_size // 2 // config.n_processes * config.n_processes
            if not is_out_of_memory(error) or not smaller:
                raise
            config = config.model_copy(update={"batch_size": smaller})


def _try(config: RunConfig, data: RunData, limit: float, begun: float) -> Speed:
    # By itself, and without a teacher, whose answers have to be asked for first.
    alone = config.model_copy(
        update={"devices": 1, "num_nodes": 1, "num_workers": 0, "teacher": [], "unlabelled": None}
    )
    torch.manual_seed(config.seed)
    network = build_network(network_settings(config, data))
    task = task_of(alone, network, data)
    batches = SegmentationData(alone, data.train, data.val)
    clock = _Clock(limit)
    quiet()
    trainer = L.Trainer(
        max_epochs=max(1, -(-MOST_STEPS * config.batch_size // len(data.train.pairs))),
        max_steps=MOST_STEPS,
        limit_val_batches=VALIDATED,
        accelerator=accelerator(alone),
        devices=1,
        precision=config.precision,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        deterministic="warn",
        callbacks=[clock],
    )
    trainer.fit(task, datamodule=batches)
    augment = _augmenting(batches)
    start = max(0.0, clock.first - begun - clock.waited)
    per_image = clock.computed / max(1, clock.images)
    return Speed(
        step=per_image,
        augment=augment,
        read=max(0.0, clock.waited / min(config.batch_size, len(data.train.pairs)) - augment),
        validate=clock.validated / clock.val_images if clock.val_images else per_image / 3,
        start=start,
        steps=clock.steps,
        batch_size=config.batch_size,
        pixels=clock.pixels / max(1, clock.images),
        kept=batches.train_set.keeps_all,
        took=perf_counter() - begun,
    )


def _augmenting(batches: SegmentationData) -> float:
    """Seconds per image of what is done to one that is kept in memory; 0 where none is."""
    images = batches.train_set
    numbers = images.in_memory[:AUGMENTED]
    started = perf_counter()
    for number in numbers:
        images[1, number]
    return (perf_counter() - started) / len(numbers) if numbers else 0.0


class _Clock(L.Callback):
    """Times steps and validation; ends training when the limit is reached."""

    def __init__(self, limit: float):
        self.limit = limit
        self.steps = self.images = self.val_images = 0
        self.pixels = 0.0
        self.computed = self.waited = self.validated = 0.0
        self.first = self.started = self._begun = self._ended = 0.0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.started = self._ended = perf_counter()

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self._begun = perf_counter()
        if not self.first:
            self.waited = self._begun - self._ended
            self.first = self._begun

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        _wait_for(pl_module.device)
        self._ended = perf_counter()
        self.steps += 1
        if self.steps > 1:
            self.computed += self._ended - self._begun
            self.images += len(batch[0])
            self.pixels += batch[1].numel()
        spent = self._ended - self.started
        each = spent / self.steps
        if (self.steps > LEAST_STEPS and spent + each > self.limit) or (self.steps > 1 and spent > self.limit):
            trainer.should_stop = True

    def on_validation_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        self._begun = perf_counter()

    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        _wait_for(pl_module.device)
        if batch_idx or trainer.num_val_batches[0] == 1:
            self.validated += perf_counter() - self._begun
            self.val_images += len(batch[0])


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
