"""Constant matrices that depend on sizes alone, kept between calls."""

import functools
from collections.abc import Callable, MutableMapping
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import torch

_of_exports: MutableMapping[Any, dict] = WeakKeyDictionary()

Function = TypeVar("Function", bound=Callable)


def modulo(p: torch.Tensor, n: int) -> torch.Tensor:
    """p mod n, exactly. Shapes: any, integers ≥ 0. `p % n` would do, but cannot be exported where n is symbolic."""
    return p - n * torch.div(p, n, rounding_mode="floor")


def cached_table(build: Function) -> Function:
    """Remember the 64 tables used last.

    They are built outside inference mode, whatever mode the first caller is in: a tensor born in inference mode could never
    take part in training afterwards.
    """

    @functools.lru_cache(maxsize=64)
    def cached(*arguments):
        with torch.inference_mode(False), torch.no_grad():
            return build(*arguments)

    @functools.wraps(build)
    def table(*arguments):
        symbols = [argument for argument in arguments if isinstance(argument, torch.SymInt)]
        if not symbols:
            return cached(*arguments)
        # The side of an image of any size, while a network is exported: the file computes its tables itself, each once.
        known = _of_exports.setdefault(symbols[0].node.shape_env, {})
        key = (build, *map(str, arguments))
        if key not in known:
            known[key] = build(*arguments)
        return known[key]

    return table  # type: ignore[return-value]
