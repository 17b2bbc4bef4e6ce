"""From a name to settings, from settings to a network, whichever kind it is of.

A kind of network is a row of KINDS: its settings, its class, and the names that stand for it. Everything else is asked of the
network itself (models/contract.py). docs/extending.md adds one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from imexseg.errors import UsageError
from imexseg.models.catalogue import NETWORKS
from imexseg.models.config import ImageConfig
from imexseg.models.contract import ImageNetwork
from imexseg.models.external import PREFIX, PeerConfig, PeerNetwork, peer_settings
from imexseg.models.lite0 import LITE0, Lite0Config, Lite0Network
from imexseg.models.network import SegmentationNetwork
from imexseg.models.network_config import NetworkConfig
from imexseg.models.registry import network_settings, short_forms
from imexseg.settings import did_you_mean


@dataclass(frozen=True)
class Kind:
    """A kind of network."""

    config: type[ImageConfig]
    network: Callable[[Any], ImageNetwork]  # from such a config, with random weights
    settings: Callable[[str], dict[str, Any] | None]  # those that a name stands for; None if it is not of this kind
    names: Callable[[], Iterable[str]] = tuple  # to suggest where a name is not known


def _of_peer(name: str) -> dict[str, Any] | None:
    return peer_settings(name) if name.startswith(PREFIX) else None


KINDS: list[Kind] = [
    Kind(NetworkConfig, SegmentationNetwork, network_settings, short_forms),
    Kind(Lite0Config, Lite0Network, LITE0.get, LITE0.keys),
    Kind(PeerConfig, PeerNetwork, _of_peer),
]


def full_name(model: str) -> str:
    """A name as it is written in weights and cards: with hyphens, also where somebody typed underscores."""
    return model if model.startswith(PREFIX) else model.replace("_", "-")


def _find(model: str) -> tuple[Kind, dict[str, Any]]:
    name = full_name(model)
    for kind in KINDS:
        settings = kind.settings(name)
        if settings is not None:
            return kind, settings
    # What people choose among comes first: of equally near names the first one wins.
    known = [*NETWORKS, *(name for kind in KINDS for name in kind.names())]
    raise UsageError(
        f"unknown model {model[:80]!r}{did_you_mean(name, known)} `imexseg models` explains how names are formed"
    )


def model_config(model: str, **settings: Any) -> ImageConfig:
    """The settings that a name stands for, with some replaced.

    Raises: UsageError for a name that does not exist; pydantic.ValidationError for a setting out of range.
    """
    kind, own = _find(model)
    return kind.config(**own | settings)


def config_kind(model: str) -> type[ImageConfig]:
    """The class that model_config answers with. Raises: UsageError for a name that does not exist."""
    return _find(model)[0].config


def config_kinds(model: str) -> list[type[ImageConfig]]:
    """Those of every kind of network, the one that a name belongs to first, for weights that say under which name they began."""

    def belongs(kind: Kind) -> bool:
        try:
            return kind.settings(full_name(model)) is not None
        except UsageError:  # of that kind, and not to be had here
            return True

    return [kind.config for kind in sorted(KINDS, key=belongs, reverse=True)]


def build_network(config: ImageConfig) -> ImageNetwork:
    """A network with random weights. Raises: UsageError if its parts do not go together."""
    for kind in KINDS:
        if type(config) is kind.config:
            return kind.network(config)
    raise UsageError(
        f"{type(config).__name__}: no kind of network has these settings; add a row to imexseg.models.build.KINDS"
    )
