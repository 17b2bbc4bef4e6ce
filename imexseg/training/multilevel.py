"""Multilevel training: the coarsest images first, then the kernels prolongated to the next finer ones, down to the images as
they are.

Source: Haber, Ruthotto, Holtham, Jun 2018, arXiv:1703.02009, section 4.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import torch

from imexseg.errors import UsageError
from imexseg.layers.reversible import store_states
from imexseg.models.build import build_network, model_config
from imexseg.models.config import ImageConfig
from imexseg.models.contract import ImageNetwork
from imexseg.numerics.scaling import seen_size
from imexseg.training.config import RunConfig
from imexseg.training.run_folder import LAST, METRICS


def levels(config: RunConfig, folder: Path, data) -> Iterator[tuple[int, ImageNetwork, Path]]:
    """(level, network to train, folder to keep it in), coarsest level first; level 0 has the images as they are.

    A level that is finished already (a run that is resumed) is not yielded again: its last weights are taken up.
    Raises: UsageError if the levels do not fit the network or the images.
    """
    settings = network_settings(config, data)
    network: ImageNetwork | None = None
    for level in range(config.levels - 1, -1, -1):
        network = _next_network(network, _at_level(config, settings, level))
        if config.store_states:
            store_states(network)
        level_folder = folder / f"level-{level}" if level else folder
        if level and _is_finished(level_folder, config.level_epochs or config.epochs):
            state = torch.load(level_folder / LAST, weights_only=True, map_location="cpu")["state_dict"]
            own = {k.removeprefix("network."): v for k, v in state.items() if k.startswith("network.")}
            network.load_state_dict(own)
        else:
            yield level, network, level_folder


def network_settings(config: RunConfig, data) -> ImageConfig:
    """Those of the network at the images' own size. Raises: UsageError if levels do not fit it, or the images."""
    settings = model_config(
        config.model,
        **config.network,
        in_channels=data.train.channels,
        num_classes=len(data.description.names),
        mean=data.train.mean,
        std=data.train.std,
        long_side=config.long_side,
    )
    sizes = data.train.sizes
    if config.long_side is not None:
        sizes = [seen_size(height, width, config.long_side) for height, width in sizes]
    check_levels(config, settings, sizes)
    return settings


def check_levels(config: RunConfig, settings: ImageConfig, sizes) -> None:
    """Raises: UsageError if an image would shrink below the stride, or the network has nothing to prolongate."""
    if config.levels == 1:
        return
    if not settings.has_levels:
        raise UsageError(
            f"--levels {config.levels}: {config.model} has no kernels that can be prolongated; use --levels 1"
        )
    smallest = min(min(size) for size in sizes)
    stride = build_network(settings).total_stride
    if smallest // 2 ** (config.levels - 1) < stride:
        fitting = 1 + max(0, (smallest // stride).bit_length() - 1)
        raise UsageError(
            f"--levels {config.levels} would shrink images of {smallest} px to "
            f"{smallest // 2 ** (config.levels - 1)} px, below the stride {stride} of {config.model}; "
            f"use --levels {fitting} or less"
        )
    if config.level_steps:
        settings.with_longer_steps(config.levels - 1)


def _at_level(config: RunConfig, settings: ImageConfig, level: int) -> ImageConfig:
    return settings.with_longer_steps(level) if level and config.level_steps else settings


def _next_network(coarser: ImageNetwork | None, settings: ImageConfig) -> ImageNetwork:
    return build_network(settings) if coarser is None else coarser.cpu().on_finer_images(settings)


def _is_finished(folder: Path, epochs: int) -> bool:
    if not (folder / METRICS).exists() or not (folder / LAST).exists():
        return False
    with open(folder / METRICS, newline="") as file:
        return len(list(csv.DictReader(file))) >= epochs
