"""Building a network that a file claims to hold, without believing the file: no more numbers than so many are asked for.

On the meta device a network has shapes and no numbers, but torch imports its compiler for operations there, which takes as long
as importing torch. So the network is built at once, and given up when it turns out to be larger than its file.
"""

import math
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from imexseg.models.build import build_network
from imexseg.models.config import ImageConfig
from imexseg.models.contract import ImageNetwork

_BY_SIZE = (torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn)


class _TooLargeError(Exception):
    pass


class _Limited(TorchFunctionMode):
    def __init__(self, numbers: int):
        super().__init__()
        self.left = numbers

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _BY_SIZE or func is torch.full:
            size = args[0] if args and not isinstance(args[0], int) else args
            self.left -= math.prod(size) if size else 1
            if self.left < 0:
                raise _TooLargeError
        return func(*args, **(kwargs or {}))


def build_limited(config: ImageConfig, numbers: int) -> ImageNetwork | None:
    """A network with random weights; None if it would ask for more numbers than so many, before it has them.

    Raises: UsageError if its parts do not go together.
    """
    try:
        with _Limited(numbers):
            return build_network(config)
    except _TooLargeError:
        return None
