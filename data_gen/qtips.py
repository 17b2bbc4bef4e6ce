"""Q-tips by index: (image, mask) number i of a seed is always the same, whatever else is generated."""

from dataclasses import replace

import numpy as np

from .geometry import ANGLES, Bar, rasterise
from .presets import BAR, BLACK, PRESETS, WHITE, Preset
from .random_bits import RandomBits

SPLITS = ("train", "val", "test")
SMALLEST, LARGEST = 32, 1024
_ENDS = {1: (WHITE, WHITE), 2: (WHITE, BLACK), 3: (BLACK, BLACK)}


class QTips:
    """An endless sequence of Q-tips images. Indexing is a pure function of (preset, size, seed, split, index).

    Args:
        preset: a name in PRESETS.
        size: height and width in pixels, 32 to 1024; the preset's own if None.
        seed: 0 to 2⁶⁴ - 1.
        split: "train", "val" or "test", three streams that share no image.
    Returns: image (size, size) uint8 and mask (size, size) uint8 with the class numbers of CLASS_NAMES.
    Raises: ValueError for a preset, size, seed or split out of range; IndexError for a negative index.
    """

    def __init__(self, preset: str = "authors", size: int | None = None, seed: int = 0, split: str = "train"):
        if preset not in PRESETS:
            raise ValueError(f"unknown preset {preset!r}; choose one of {', '.join(PRESETS)}")
        if split not in SPLITS:
            raise ValueError(f"unknown split {split!r}; choose one of {', '.join(SPLITS)}")
        self.preset: Preset = PRESETS[preset]
        self.size = self.preset.default_size if size is None else size
        if not SMALLEST <= self.size <= LARGEST:
            raise ValueError(f"size must be {SMALLEST} to {LARGEST} pixels, got {self.size}")
        if not 0 <= seed < 2**64:
            raise ValueError(f"seed must be 0 to 2**64 - 1, got {seed}")
        self.seed = seed
        self.split = split

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if index < 0:
            raise IndexError(f"image number must not be negative, got {index}")
        random = RandomBits(self.seed, SPLITS.index(self.split), index)
        image, mask = self._draw(random)
        if self.preset.noise:
            noise = random.normal(image.size, self.preset.noise).reshape(image.shape)
            image = np.clip(image + noise, 0, 255).astype(np.uint8)
        return image, mask

    def _draw(self, random: RandomBits) -> tuple[np.ndarray, np.ndarray]:
        """Bars one on another, drawn again until a tenth of every end shows: a hidden end leaves the class a guess.

        About one layout in ten is drawn again; one in forty would have had an end that is hidden altogether.
        """
        while True:
            image = np.full((self.size, self.size), self.preset.background, dtype=np.uint8)
            mask = np.zeros((self.size, self.size), dtype=np.uint8)
            ends: list[tuple[np.ndarray, int]] = []
            for _ in range(self.preset.n_bars):
                bar = self._random_bar(random)
                inside, first, second = rasterise(bar, self.size)
                image[inside] = BAR
                image[first], image[second] = bar.ends
                mask[inside] = bar.class_number
                if self.preset.n_bars > 1:
                    ends = [(end & ~inside, area) for end, area in ends]
                    ends += [(end, int(end.sum())) for end in (first, second)]
            if all(10 * int(end.sum()) >= area for end, area in ends):
                return image, mask

    def _random_bar(self, random: RandomBits) -> Bar:
        low, high = (max(2, round(fraction * self.size)) for fraction in self.preset.width)
        width = random.integer(low, high)
        length = random.integer(*(round(fraction * self.size) for fraction in self.preset.length))
        class_number = random.integer(1, 3)
        angle = random.integer(0, ANGLES - 1)
        bar = Bar(length, width, angle, (self.size, self.size), class_number, _ENDS[class_number])
        if self.preset.centred:
            return bar
        # Anywhere, as long as the whole bar lies in the frame.
        half = bar.half_extent()
        centre = [random.integer(min(extent, self.size), max(2 * self.size - extent, self.size)) for extent in half]
        return replace(bar, centre=(centre[0], centre[1]))
