"""Carrying a network between grids of different spacing: kernels, stencils and time steps from coarse to fine."""

import torch
from torch import nn

from imexseg.layers.grid import TO_COARSER, TO_FINER, GridChange, OnGrid
from imexseg.layers.solve_modes import solves
from imexseg.models.contract import ImageNetwork
from imexseg.numerics.galerkin import refine_in_time


def to_finer_grid(network: nn.Module) -> None:
    """Prolongate, in place, every kernel and every stencil of L for images of twice the size (numerics/galerkin.py)."""
    _change(network, TO_FINER)


def to_coarser_grid(network: nn.Module) -> None:
    """Restrict, in place, every kernel and every stencil of L for images of half the size. Undone by to_finer_grid."""
    _change(network, TO_COARSER)


@torch.no_grad()
def _change(network: nn.Module, change: GridChange) -> None:
    for module in network.modules():
        if isinstance(module, OnGrid):
            module.change_grid(change)


@torch.no_grad()
def to_finer_time(coarse: ImageNetwork, fine: ImageNetwork) -> None:
    """Fill `fine`, whose flows have twice the steps of half the size, from `coarse`: weights piecewise linear in time.

    The decay length of a solve is √(h·curvature): where its h shrinks, L grows, so that it stays as long.
    """
    few, many = ([placed.flow for placed in network.flows() if not placed.refines] for network in (coarse, fine))
    steps = {id(step) for flow in few for row in flow.rows() for step in row}
    inside = tuple(f"{name}." for name, module in coarse.named_modules() if id(module) in steps)
    outside = {name: tensor for name, tensor in coarse.state_dict().items() if not name.startswith(inside)}
    fine.load_state_dict(fine.state_dict() | outside)
    for flow, finer_flow in zip(few, many, strict=True):
        for row, finer_row in zip(flow.rows(), finer_flow.rows(), strict=True):
            if row:
                _refine(row, finer_row)


def _refine(coarse: list[nn.Module], fine: list[nn.Module]) -> None:
    states = [step.state_dict() for step in coarse]
    refined = {name: refine_in_time(torch.stack([s[name] for s in states])) for name in states[0]}
    for j, step in enumerate(fine):
        step.load_state_dict({name: values[j] for name, values in refined.items()})
        for solve, before in zip(solves(step), solves(coarse[0]), strict=True):
            solve.keep_lengths(before.step_size)
