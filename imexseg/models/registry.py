"""Every network by name. A name stands for settings of NetworkConfig; images and classes are added when it is built."""

import difflib
from dataclasses import dataclass
from typing import Any

from imexseg.errors import UsageError
from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.operators import OPERATORS
from imexseg.models.config import NetworkConfig
from imexseg.models.network import SegmentationNetwork

DEFAULT_MODEL = "imex-lean"

# Width and depth are the same for all combinations, so that two rows differ in what their names say and in nothing else.
NETWORKS: dict[str, dict[str, Any]] = {
    f"{dynamics}-{operator}": {"dynamics": dynamics, "operator": operator}
    for dynamics in DYNAMICS
    for operator in OPERATORS
} | {
    # For larger scenes: a coarser grid, more steps. f has two operators here: at equal cost it fits more (benchmarks/qtips.py).
    "imex-residual-lean-m": {"dynamics": "imex-residual", "operator": "lean", "stride": 4, "width": 30, "n_steps": 8},
    "residual-lean-m": {"dynamics": "residual", "operator": "lean", "stride": 4, "width": 30, "n_steps": 8},
    "imex-residual-lean-l": {"dynamics": "imex-residual", "operator": "lean", "stride": 4, "width": 64, "n_steps": 12},
}


@dataclass(frozen=True)
class NetworkSummary:
    """What `imexseg models` says of a network, for grey images and four classes."""

    name: str
    equation: str
    operator: str
    boundary: str
    width: int
    steps: int
    stride: int
    parameters: int
    field_of_view: int | None  # pixels from edge to edge; None: the whole image

    @property
    def field_of_view_in_words(self) -> str:
        return "whole image" if self.field_of_view is None else f"{self.field_of_view} px"


def network_config(name: str, **settings: Any) -> NetworkConfig:
    """The settings of a registered network, with some replaced.

    Raises: UsageError naming the nearest registered name; pydantic.ValidationError for a setting out of range.
    """
    known = name.replace("_", "-")
    if known not in NETWORKS:
        near = difflib.get_close_matches(known, NETWORKS, n=1, cutoff=0.0)[0]
        raise UsageError(f"unknown model {name!r}; did you mean {near!r}? `imexseg models` lists them all")
    return NetworkConfig(**NETWORKS[known] | settings)


def count_parameters(network: SegmentationNetwork) -> int:
    """Trainable numbers of a network."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def field_of_view(config: NetworkConfig) -> int | None:
    """Side in pixels of the square that one output pixel depends on; None if that is the whole image.

    Each step applies K and then its adjoint (or K₂): two rings of one grid point. The overlapping kernels of opening and
    classifier, 2·stride wide, add two grid points at the classifier and one at the opening.
    """
    if DYNAMICS[config.dynamics].implicit:
        return None
    grid_points = 2 + 2 * 2 * config.n_steps
    return config.stride * (grid_points - 1) + 2 * config.stride


def summarise(name: str) -> NetworkSummary:
    """Build a network and describe it. Raises: UsageError for an unknown name."""
    config = network_config(name, in_channels=1, num_classes=4)
    return NetworkSummary(
        name=name,
        equation=DYNAMICS[config.dynamics].equation,
        operator=config.operator,
        boundary=config.boundary if DYNAMICS[config.dynamics].implicit else f"{config.boundary} (of K)",
        width=config.width,
        steps=config.n_steps,
        stride=config.stride,
        parameters=count_parameters(SegmentationNetwork(config)),
        field_of_view=field_of_view(config),
    )
