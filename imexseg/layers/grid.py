"""Layers whose weights belong to a grid of one spacing, and what becomes of them on the next coarser or finer one."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from imexseg.numerics import galerkin

Map = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class GridChange:
    """The maps of numerics/galerkin.py in one direction, by what kind of weight they act on."""

    kernel: Map  # (..., 3, 3)
    five_point: Map  # (..., 5): north, west, centre, east, south
    diffusion: Map  # α of L = -α₁∂₁² - α₂∂₂²


TO_COARSER = GridChange(galerkin.restrict_kernel, galerkin.restrict_five_point, galerkin.restrict_diffusion)
TO_FINER = GridChange(galerkin.prolong_kernel, galerkin.prolong_five_point, galerkin.prolong_diffusion)


class OnGrid(nn.Module):
    """A layer that knows its own weights: multilevel training asks each one to change the grid."""

    def change_grid(self, change: GridChange) -> None:
        """Map the weights of this module in place, those of its children excepted. Called without gradients."""
        raise NotImplementedError
