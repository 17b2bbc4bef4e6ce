"""Random numbers that are the same on every platform and in every numpy release.

numpy promises that for the raw bits of a bit generator, not for its distributions, and libm differs in the last bit from one
machine to the next. So everything drawn here is an integer made from raw bits by integer arithmetic.
"""

from functools import lru_cache
from statistics import NormalDist

import numpy as np


class RandomBits:
    """An independent stream for each (seed, split, index): a counter-based generator needs no state in between."""

    def __init__(self, seed: int, split: int, index: int):
        self._bits = np.random.Philox(key=[seed, split], counter=[0, 0, index, 0])

    def integer(self, low: int, high: int) -> int:
        """Uniform in low … high, both included (to within 2⁻⁶⁴ times the span)."""
        return low + ((int(self._bits.random_raw()) * (high - low + 1)) >> 64)

    def normal(self, n: int, sigma: float) -> np.ndarray:
        """n rounded samples of N(0, σ²), int16, by looking 16-bit integers up in a table of quantiles."""
        raw = self._bits.random_raw(-(-n // 4)).astype("<u8")
        return _normal_quantiles(sigma)[raw.view("<u2")[:n]]


@lru_cache(maxsize=8)
def _normal_quantiles(sigma: float) -> np.ndarray:
    quantile = NormalDist(0, sigma).inv_cdf
    return np.array([round(quantile((u + 0.5) / 65536)) for u in range(65536)], dtype=np.int16)
