"""Constant tables that depend only on sizes, cached between calls."""

import functools
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

Function = TypeVar("Function", bound=Callable)


def cached_table(build: Function) -> Function:
    """Remember the 64 tables used last. A size that is a symbol (torch.export) is not remembered: its table is part of the graph.

    They are built outside inference mode, whatever mode the first caller is in: a tensor born in inference mode could never
    take part in training afterwards.
    """

    @functools.lru_cache(maxsize=64)
    def remembered(*arguments):
        with torch.inference_mode(False), torch.no_grad():
            return build(*arguments)

    @functools.wraps(build)
    def table(*arguments):
        is_symbolic = any(isinstance(argument, torch.SymInt) for argument in arguments)
        return (build if is_symbolic else remembered)(*arguments)

    return table  # type: ignore[return-value]


def remainder(a: Tensor, n: int) -> Tensor:
    """a mod n for integers: exact, however many turns of a circle. Written so that n may be a symbol; % may not."""
    return a - n * torch.div(a, n, rounding_mode="floor")
