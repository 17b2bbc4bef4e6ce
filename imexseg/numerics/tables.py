"""Constant matrices that depend on sizes alone, kept between calls."""

import functools
from collections.abc import Callable
from typing import TypeVar

import torch

Function = TypeVar("Function", bound=Callable)


def cached_table(build: Function) -> Function:
    """Remember the 64 tables used last.

    They are built outside inference mode, whatever mode the first caller is in: a tensor born in inference mode could never
    take part in training afterwards.
    """

    @functools.lru_cache(maxsize=64)
    @functools.wraps(build)
    def cached(*arguments):
        with torch.inference_mode(False), torch.no_grad():
            return build(*arguments)

    return cached  # type: ignore[return-value]
