"""Constant tables that depend only on sizes, cached between calls."""

import functools
from collections.abc import Callable, MutableMapping
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

_of_graphs: MutableMapping[Any, dict] = WeakKeyDictionary()  # by what numbers the symbols of one export

Function = TypeVar("Function", bound=Callable)


def cached_table(build: Function) -> Function:
    """Remember the 64 tables used last. A size that is a symbol (torch.export) belongs to one graph, which computes
    its table once.

    They are built outside inference mode, whatever mode the first caller is in: a tensor born in inference mode could never
    take part in training afterwards.
    """

    @functools.lru_cache(maxsize=64)
    def remembered(*arguments):
        with torch.inference_mode(False), torch.no_grad():
            return build(*arguments)

    @functools.wraps(build)
    def table(*arguments):
        symbols = [argument for argument in arguments if isinstance(argument, torch.SymInt)]
        if not symbols:
            return remembered(*arguments)
        known = _of_graphs.setdefault(symbols[0].node.shape_env, {})
        key = (build, *map(str, arguments))
        if key not in known:
            known[key] = build(*arguments)
        return known[key]

    return table  # type: ignore[return-value]


def remainder(a: Tensor, n: int) -> Tensor:
    """a mod n for integers: exact, however many turns of a circle. Written so that n may be a symbol; % may not."""
    return a - n * torch.div(a, n, rounding_mode="floor")
