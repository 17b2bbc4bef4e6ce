"""Carrying a network between grids of different spacing: kernels, stencils and time steps from coarse to fine."""

import torch
from torch import nn

from imexseg.errors import UsageError
from imexseg.layers.implicit import DiffusionSolve, PeriodicSolve
from imexseg.layers.operators import DenseOperator, DepthwiseOperator
from imexseg.layers.time_series import steps_in_time
from imexseg.models.config import NetworkConfig
from imexseg.models.network import SegmentationNetwork
from imexseg.numerics import galerkin


@torch.no_grad()
def to_finer_grid(network: nn.Module) -> None:
    """Prolongate, in place, every kernel and every stencil of L for images of twice the size (numerics/galerkin.py)."""
    _map(network, galerkin.prolong_kernel, galerkin.prolong_five_point, galerkin.prolong_diffusion)


@torch.no_grad()
def to_coarser_grid(network: nn.Module) -> None:
    """Restrict, in place, every kernel and every stencil of L for images of half the size. Undone by to_finer_grid."""
    _map(network, galerkin.restrict_kernel, galerkin.restrict_five_point, galerkin.restrict_diffusion)


def _map(network: nn.Module, kernel, five_point, diffusion) -> None:
    for module in network.modules():
        if isinstance(module, DenseOperator | PeriodicSolve):
            module.weight.copy_(kernel(module.weight))
        elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            if module.kernel_size == (3, 3) and module.stride == (1, 1):  # opening and classifier of stride 1
                module.weight.copy_(kernel(module.weight))
        elif isinstance(module, DepthwiseOperator):
            if module.stencil.shape[1] == 5:
                module.stencil.copy_(five_point(module.stencil))
            else:
                module.stencil.copy_(kernel(module.stencil.view(-1, 3, 3)).flatten(1))
        elif isinstance(module, DiffusionSolve):
            module.set_diffusion(diffusion(module.diffusion()))


def with_steps(config: NetworkConfig, level: int) -> NetworkConfig:
    """The settings of a coarser level whose time steps are 2^level times as long and as few.

    Raises: UsageError if a number of steps cannot be halved that often.
    """
    stages = config.stages
    factor = 2**level
    for stage in stages:
        if stage.n_steps % factor:
            raise UsageError(
                f"network: n_steps {stage.n_steps} cannot be halved {level} times for {level + 1} levels; "
                f"use a multiple of {factor}, fewer levels, or level_steps: false"
            )
    n_steps = tuple(stage.n_steps // factor for stage in stages)
    step_size = tuple(stage.step_size * factor for stage in stages)
    return NetworkConfig(**config.model_dump() | {"n_steps": n_steps, "step_size": step_size})


@torch.no_grad()
def to_finer_time(coarse: SegmentationNetwork, fine: SegmentationNetwork) -> None:
    """Fill `fine`, which has twice the steps of half the size, from `coarse`: weights piecewise linear in time.

    The decay length of a solve is √(h·curvature): where its h shrinks by q, B grows by √q (α by q), so that it stays as long.
    """
    own = fine.state_dict()
    inside = tuple(f"backbone.stages.{k}.steps." for k in range(len(coarse.backbone.stages)))
    own.update({name: tensor for name, tensor in coarse.state_dict().items() if not name.startswith(inside)})
    fine.load_state_dict(own)
    for k in range(len(coarse.backbone.stages)):
        few, many = (network.get_submodule(f"backbone.stages.{k}.steps") for network in (coarse, fine))
        closing = {name: tensor for name, tensor in few.state_dict().items() if name.startswith("norm.")}
        many.load_state_dict(many.state_dict() | closing)  # the N behind a reversible flow
        for row, finer_row in zip(steps_in_time(few), steps_in_time(many), strict=True):
            _refine(row, finer_row)


def _refine(coarse: list[nn.Module], fine: list[nn.Module]) -> None:
    if not coarse:
        return
    states = [step.state_dict() for step in coarse]
    refined = {name: galerkin.refine_in_time(torch.stack([s[name] for s in states])) for name in states[0]}
    for j, step in enumerate(fine):
        step.load_state_dict({name: values[j] for name, values in refined.items()})
        for module, before in zip(step.modules(), coarse[0].modules(), strict=True):
            if isinstance(module, PeriodicSolve) and isinstance(before, PeriodicSolve):
                module.weight.mul_((before.step_size / module.step_size) ** 0.5)
            elif isinstance(module, DiffusionSolve) and isinstance(before, DiffusionSolve):
                module.set_diffusion(before.step_size / module.step_size * module.diffusion())
