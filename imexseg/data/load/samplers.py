"""Which images are visited in which order, by one of several processes; validation never counts an image twice."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class EpochSampler(Sampler[tuple[int, int]]):
    """Yields (pass, number) in an order that depends on seed and epoch alone, so that a resumed run repeats it.

    Args: per_epoch: images that an epoch draws; None: each once. The passes over the images go on from epoch to epoch, so that
        all are drawn equally often, and an image differs from pass to pass by what augmentation draws.
    Every process takes every world_size-th number of the same permutation; all get equally many.
    """

    def __init__(self, n_images: int, seed: int, rank: int = 0, world_size: int = 1, per_epoch: int | None = None):
        self.n_images = n_images
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.per_epoch = per_epoch or n_images
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before every epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.per_epoch // self.world_size)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        first, behind = self.epoch * self.per_epoch, (self.epoch + 1) * self.per_epoch
        passes = range(first // self.n_images, -(-behind // self.n_images))
        drawn = np.array([(each, number) for each in passes for number in self._order(each)])
        drawn = drawn[first - passes[0] * self.n_images :][: self.per_epoch]
        filled = np.resize(drawn, (len(self) * self.world_size, 2))  # starts over where processes do not divide images
        return ((int(each), int(number)) for each, number in filled[self.rank :: self.world_size])

    def _order(self, number: int) -> np.ndarray:
        return np.random.default_rng([self.seed, number]).permutation(self.n_images)


class OnceSampler(Sampler[tuple[int, int]]):
    """Yields (0, number) for the numbers of this process, in order, and (0, -1) where it has fewer than another.

    Equally many for all, because processes that synchronise at every batch would otherwise wait for ever.
    """

    def __init__(self, n_images: int, rank: int = 0, world_size: int = 1):
        self.n_images = n_images
        self.rank = rank
        self.world_size = world_size

    def __len__(self) -> int:
        return -(-self.n_images // self.world_size)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        own = range(self.rank, self.n_images, self.world_size)
        yield from ((0, number) for number in own)
        yield from ((0, -1) for _ in range(len(self) - len(own)))
