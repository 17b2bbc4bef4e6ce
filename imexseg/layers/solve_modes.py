"""The solves of a network, and ways to have all of them done for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from imexseg.layers.implicit import DiffusionSolve, ImplicitSolve


def solves(network: nn.Module) -> list[ImplicitSolve]:
    """Every implicit solve of a network."""
    return [module for module in network.modules() if isinstance(module, ImplicitSolve)]


@contextmanager
def without_solve(network: nn.Module) -> Iterator[None]:
    """Within this context every implicit solve of the network passes its input through: what is left is local."""
    switched = solves(network)
    for solve in switched:
        solve.switched_off = True
    try:
        yield
    finally:
        for solve in switched:
            solve.switched_off = False


@contextmanager
def without_keeping(network: nn.Module) -> Iterator[None]:
    """Within this context no solve keeps its factors: what the network takes depends on the size of the image alone."""
    keeping = [solve for solve in solves(network) if isinstance(solve, DiffusionSolve)]
    for solve in keeping:
        solve.keeps_factors, solve._kept = False, None
    try:
        yield
    finally:
        for solve in keeping:
            solve.keeps_factors = True


@contextmanager
def solved_by(network: nn.Module, implementation: str) -> Iterator[None]:
    """Within this context every implicit solve of the network is done that way. Args: implementation: of IMPLEMENTATIONS."""
    before = {solve: solve.implementation for solve in solves(network)}
    for solve in before:
        solve.implementation = implementation
    try:
        yield
    finally:
        for solve, own in before.items():
            solve.implementation = own
