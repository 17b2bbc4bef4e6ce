"""Image and mask files as tensors, for a DataLoader."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from imexseg.data.description.labels import IGNORE
from imexseg.data.load.augmentation import Augmentation
from imexseg.data.load.crops import RareClassCrop
from imexseg.data.pairs.pairs import Pair
from imexseg.data.read.as_trained import to_channels
from imexseg.data.read.images import read_image_and_void
from imexseg.data.read.masks import read_classes
from imexseg.data.read.tensors import augmented_to_tensor
from imexseg.data.read.void import with_ignored
from imexseg.numerics.scaling import seen_size

CACHE_BYTES = 1 << 30  # of decoded pairs that are kept in memory


class Seeds(NamedTuple):
    """What is drawn for one image in one epoch."""

    augmentation: int
    crop: int


class SegmentationDataset(Dataset):
    """Indexed by (epoch, number): what augmentation draws is a function of seed, epoch and number.

    A negative number stands for "no image": a pair whose mask is all ignored. It fills the last batches when several
    processes share a split unevenly, so that no image is counted twice.
    The mask is ignored where the image has no value (void.py).
    Args: unlabelled: images without masks, numbered behind the pairs; their masks are all ignored.
        cache_bytes: of decoded pairs that are kept, those that were read first. Each process that reads has its share.
        sizes: (H, W) of each image, to say how many that will be.
    Returns: image (C, H, W) float32, mask (H, W) int64.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        channels: int,
        dtype: np.dtype,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        crop: RareClassCrop | None = None,
        long_side: int | None = None,
        unlabelled: Sequence[Path] = (),
        cache_bytes: int = CACHE_BYTES,
        sizes: Sequence[tuple[int, int]] = (),
    ):
        self.pairs = pairs
        self.unlabelled = unlabelled
        self.channels = channels
        self.dtype = dtype
        self.augmentation = augmentation
        self.seed = seed
        self.crop = crop
        self.long_side = long_side
        self.cache_bytes = cache_bytes
        self.sizes = sizes
        self._cache: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._cached_bytes = 0

    def __len__(self) -> int:
        return len(self.pairs) + len(self.unlabelled)

    def seeds(self, epoch: int, number: int) -> Seeds:
        # Any fixed mixing of the three numbers into 32 bits will do.
        return Seeds(*map(int, np.random.SeedSequence([self.seed, epoch, max(number, 0)]).generate_state(2)))

    @property
    def decoded_bytes(self) -> int:
        """Of all pairs together, as they would be kept."""
        sizes = [(h, w) if self.long_side is None else seen_size(h, w, self.long_side) for h, w in self.sizes]
        return sum(h * w for h, w in sizes) * (self.channels * np.dtype(self.dtype).itemsize + 1)

    @property
    def keeps_all(self) -> bool:
        """Whether every pair is decoded once, by a single process that reads."""
        return self.decoded_bytes <= self.cache_bytes

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Tensor]:
        epoch, number = key
        image, mask = self.decoded(max(number, 0))
        seeds = self.seeds(epoch, number)
        if self.crop is not None and number >= 0:
            image, mask = self.crop(image, mask, seeds.crop)
        if self.augmentation is not None and number >= 0:
            image, mask = self.augmentation(image, mask, seeds.augmentation)
        truth = torch.from_numpy(mask.astype(np.int64))
        if number < 0:
            truth.fill_(IGNORE)
        return augmented_to_tensor(image, self.dtype), truth

    @property
    def in_memory(self) -> list[int]:
        """Numbers of the pairs that this process has decoded and kept."""
        return list(self._cache)

    def decoded(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Image (H, W, C) and mask (H, W) before crop and augmentation, at the size that is trained on."""
        if number in self._cache:
            return self._cache[number]
        pair = self.pairs[number] if number < len(self.pairs) else None
        path = pair.image if pair is not None else self.unlabelled[number - len(self.pairs)]
        pixels, void = read_image_and_void(path)
        image = to_channels(pixels, self.channels, path)
        classes = read_classes(pair) if pair is not None else np.full(image.shape[:2], IGNORE, np.uint8)
        mask = with_ignored(classes, void, IGNORE)
        if self.long_side is not None:
            image, mask = scaled_to(image, mask, self.long_side)
        reader = get_worker_info()
        share = self.cache_bytes if reader is None else self.cache_bytes // reader.num_workers
        if self._cached_bytes + image.nbytes + mask.nbytes <= share:
            self._cache[number] = image, mask
            self._cached_bytes += image.nbytes + mask.nbytes
        return image, mask


def scaled_to(image: np.ndarray, mask: np.ndarray, long_side: int) -> tuple[np.ndarray, np.ndarray]:
    """The pair with a longer side of `long_side` pixels: the image averaged, the mask by the nearest pixel."""
    height, width = seen_size(mask.shape[0], mask.shape[1], long_side)
    if (height, width) == mask.shape:
        return image, mask
    how = cv2.INTER_AREA if height < mask.shape[0] else cv2.INTER_LINEAR
    # OpenCV takes four channels at once; more go one by one.
    planes = [cv2.resize(image[..., c], (width, height), interpolation=how) for c in range(image.shape[2])]
    return np.stack(planes, axis=-1), cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def collate(samples: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Stack samples; smaller ones are extended below and to the right, the mask there is ignored.

    Returns: images (B, C, H, W) float32, masks (B, H, W) int64.
    """
    height = max(mask.shape[0] for _, mask in samples)
    width = max(mask.shape[1] for _, mask in samples)
    images, masks = [], []
    for image, mask in samples:
        missing = (0, width - mask.shape[1], 0, height - mask.shape[0])
        if any(missing):
            image = F.pad(image[None], missing, mode="replicate")[0]
            mask = F.pad(mask, missing, value=IGNORE)
        images.append(image)
        masks.append(mask)
    return torch.stack(images), torch.stack(masks)
