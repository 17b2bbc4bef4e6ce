"""Which images are visited in which order, by one of several processes; validation never counts an image twice."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class EpochSampler(Sampler[tuple[int, int]]):
    """Yields (epoch, number) in an order that depends on seed and epoch alone, so that a resumed run repeats it.

    Every process takes every world_size-th number of the same permutation; all get equally many.
    """

    def __init__(self, n_images: int, seed: int, rank: int = 0, world_size: int = 1):
        self.n_images = n_images
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before every epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.n_images // self.world_size)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.n_images)
        filled = np.resize(order, len(self) * self.world_size)  # starts over where processes do not divide images
        return ((self.epoch, int(number)) for number in filled[self.rank :: self.world_size])


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
