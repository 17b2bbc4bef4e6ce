"""The data loaders of a run, for one of possibly many processes."""

from functools import cached_property

import lightning as L
from torch import Tensor
from torch.utils.data import DataLoader

from imexseg.data.check.scan import SplitFacts
from imexseg.data.load.augmentation import Augmentation
from imexseg.data.load.crops import RareClassCrop
from imexseg.data.load.dataset import SegmentationDataset, collate
from imexseg.data.load.samplers import EpochSampler, OnceSampler
from imexseg.inference.cores import usable_cores
from imexseg.training.config import RunConfig
from imexseg.training.distil import TaughtDataset, collate_taught
from imexseg.training.restriction import restrict_batch
from imexseg.training.teacher import Teacher, Unlabelled
from imexseg.training.workers import choose_workers
from imexseg.units import in_memory


class SegmentationData(L.LightningDataModule):
    """Training images in a seeded order with augmentation, validation images once each as they are."""

    def __init__(
        self,
        config: RunConfig,
        train: SplitFacts,
        val: SplitFacts,
        level: int = 0,
        taught: tuple[Teacher, Unlabelled] | None = None,
    ):
        super().__init__()
        self.config = config
        self.level = level  # images are halved that many times
        crop = config.crop_size
        long_side = config.long_side
        unlabelled = taught[1] if taught else Unlabelled([], [])
        sizes = [crop] if crop else [*train.sizes, *unlabelled.sizes]
        square = all(height == width for height, width in sizes)
        augmentation = Augmentation(config.augmentation, square)
        shares = config.cache_bytes * len(train.pairs) // (len(train.pairs) + len(val.pairs))  # val: the rest
        self.train_set = SegmentationDataset(
            train.pairs,
            train.channels,
            train.dtype,
            augmentation,
            config.seed,
            RareClassCrop(crop, train.class_pixels) if crop else None,
            long_side,
            unlabelled.paths,
            shares,
            [*train.sizes, *unlabelled.sizes],
        )
        self.taught_set = TaughtDataset(self.train_set, taught[0]) if taught else None
        rest = config.cache_bytes - shares
        self.val_set = SegmentationDataset(
            val.pairs, train.channels, train.dtype, long_side=long_side, cache_bytes=rest, sizes=val.sizes
        )
        # Padding a small image up to a large one would change what a network with a global view says of it.
        self.val_batch = self._per_process if len(set(val.sizes)) == 1 else 1

    @property
    def _per_process(self) -> int:
        return max(1, self.config.batch_size // self.config.n_processes)

    def _ranks(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def train_dataloader(self) -> DataLoader:
        sampler = EpochSampler(len(self.train_set), self.config.seed, *self._ranks(), self.config.images_per_epoch)
        whole_batches = len(sampler) >= self._per_process  # a rest of one image would upset batch normalisation
        return self._loader(self.taught_set or self.train_set, sampler, self._per_process, drop_last=whole_batches)

    def val_dataloader(self) -> DataLoader:
        return self._loader(self.val_set, OnceSampler(len(self.val_set), *self._ranks()), self.val_batch)

    @cached_property
    def workers(self) -> int:
        """Processes that prepare images for this one."""
        if self.config.num_workers != "auto":
            return self.config.num_workers
        cores = usable_cores() // self.config.devices
        return choose_workers(self.train_set, len(self.train_set) // self.config.n_processes, cores)

    def in_words(self) -> str:
        """Who prepares the images, and what of them stays in memory."""
        who = f"{self.workers} processes prepare images" if self.workers else "images are prepared where they are used"
        total, limit = self.train_set.decoded_bytes + self.val_set.decoded_bytes, self.config.cache_memory
        if self.workers:
            return f"{who}; each keeps decoded ones in up to 1/{self.workers} of {limit} (cache_memory)"
        if self.train_set.keeps_all and self.val_set.keeps_all:
            return f"{who}; all stay decoded in memory, {in_memory(total)} (cache_memory {limit})"
        return f"{who}; of {in_memory(total)} decoded, {limit} stay in memory (cache_memory)"

    def _loader(self, dataset, sampler, batch_size: int, drop_last: bool = False) -> DataLoader:
        workers = self.workers
        return DataLoader(
            dataset,
            batch_size,
            sampler=sampler,
            num_workers=workers,
            collate_fn=collate_taught if dataset is self.taught_set else collate,
            drop_last=drop_last,
            persistent_workers=workers > 0,
        )

    def on_after_batch_transfer(self, batch: tuple[Tensor, Tensor], dataloader_idx: int) -> tuple[Tensor, Tensor]:
        for _ in range(self.level):
            batch = restrict_batch(*batch)
        return batch
