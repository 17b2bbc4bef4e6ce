"""Room for the tensors of a network that a file claims to hold, and no more."""

import math
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_SIZES = {torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn}  # called as f(2, 3) or f((2, 3))
_SIZE_FIRST = {torch.full}  # called as f((2, 3), value)
_SLACK = 2**24  # numbers that do not stay, 64 MiB: an encoder is built whole before its last stages are dropped


class TooManyNumbers(Exception):
    """A network asked for more numbers than there are."""


class NumbersAtMost(TorchFunctionMode):
    """Inside, new tensors hold no more than this many numbers in all, or TooManyNumbers is raised before memory is taken.

    So a file of 50 kB cannot ask for gigabytes. (Building on the meta device would tell the shapes as well, but imports torch's
    compiler and sympy, which takes longer than everything else that a prediction does.)
    """

    def __init__(self, n: int):
        super().__init__()
        self.left = 4 * n + _SLACK  # a weight that is computed when it is drawn is there several times

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _SIZES or func in _SIZE_FIRST:
            size = kwargs.get("size", args[:1] if func in _SIZE_FIRST else args)
            size = size[0] if len(size) == 1 and isinstance(size[0], tuple | list | torch.Size) else size
            self._take(math.prod(size))
        return func(*args, **kwargs)

    def _take(self, n: int) -> None:
        self.left -= n
        if self.left < 0:
            raise TooManyNumbers
