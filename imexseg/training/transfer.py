"""Fine-tuning: starting from the weights of another network, even one with other classes, channels or layers."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from imexseg.errors import UsageError
from imexseg.models.artefact import load
from imexseg.models.build import build_network, model_config
from imexseg.models.channels import spread_channels
from imexseg.models.contract import ImageNetwork
from imexseg.models.weights import find_weights
from imexseg.training.config import RunConfig

SHOWN = 6  # names of tensors in a message


@dataclass(frozen=True)
class Transfer:
    """What was taken from which weights. Names are those of tensors."""

    weights: str  # file, or its folder and name
    model: str
    checksum: str  # SHA-256
    taken: list[str]
    spread: list[str]  # of the taken ones: the first layer, over another number of channels
    fresh: list[str]

    def __str__(self) -> str:
        n = len(self.taken) + len(self.fresh)
        said = f"{len(self.taken)} of {n} tensors from {self.weights} ({self.model}, sha256 {self.checksum[:12]})"
        if self.spread:
            said += f"; {', '.join(self.spread)} spread over the channels"
        more = f" and {len(self.fresh) - SHOWN} more" if len(self.fresh) > SHOWN else ""
        return f"{said}; fresh: {', '.join(self.fresh[:SHOWN])}{more}" if self.fresh else f"{said}; none is fresh"


@torch.no_grad()
def take_weights(network: ImageNetwork, weights: str) -> Transfer:
    """Fill, in place, every tensor of `network` whose name and shape fit; the others stay as they are.

    Args: weights: a file, a run folder, or a shipped name.
    Raises: UsageError if there are no such weights, or if nothing of them fits.
    """
    path = find_weights(weights)
    source = load(path)
    own, given = network.state_dict(), source.state_dict()
    counted = [
        name for name, tensor in own.items() if tensor.is_floating_point()
    ]  # not the counters of a normalisation
    n_old, n_new = source.config.in_channels, network.config.in_channels
    taken: list[str] = []
    spread: list[str] = []
    for name in counted:
        if name not in given:
            continue
        if given[name].shape == own[name].shape:
            own[name].copy_(given[name])
        elif not spread and _differs_in_channels(own[name], given[name], n_new, n_old):
            own[name].copy_(spread_channels(given[name], n_new))
            spread.append(name)
        else:
            continue
        taken.append(name)
    if not taken:
        settings = source.info.training.get("network")
        also = f" and network: {settings}" if settings else ""
        raise UsageError(
            f"--init-weights {weights}: no tensor fits this network; they are of --model {source.info.model}{also}"
        )
    where = path.name if path.name != "best.safetensors" else f"{path.resolve().parent.name}/{path.name}"
    fresh = [name for name in counted if name not in taken]
    return Transfer(where, source.info.model, _checksum(path), taken, spread, fresh)


def _differs_in_channels(own: Tensor, given: Tensor, n_new: int, n_old: int) -> bool:
    if own.ndim != 4 or given.ndim != 4 or (own.shape[1], given.shape[1]) != (n_new, n_old):
        return False
    return own.shape[0] == given.shape[0] and own.shape[2:] == given.shape[2:]


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _has_a_change_in_time(network: ImageNetwork) -> bool:
    """True if what training/task.smoothness_in_time adds up is not empty."""
    return any(len(row) > 1 for placed in network.flows() if not placed.refines for row in placed.flow.rows())


def check_beginning(config: RunConfig) -> None:
    """Before anything is written: that what the run begins with exists, and that some of it fits; that --time-smoothness has
    steps to act on. Raises: UsageError."""
    settings = model_config(config.model, **config.network)
    if config.time_smoothness and not _has_a_change_in_time(build_network(settings)):
        raise UsageError(
            f"--time-smoothness {config.time_smoothness:g}: {config.model} has no steps whose kernels could be compared; "
            "leave it out, or choose a --model that `imexseg models` lists, with n_steps of 2 or more"
        )
    if config.init_weights is not None:
        take_weights(build_network(settings), config.init_weights)
    elif settings.begins_pretrained:
        build_network(settings).take_pretrained()
