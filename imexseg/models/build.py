"""From settings to a network, whichever kind they are of."""

from typing import Any

from imexseg.models.config import NetworkConfig
from imexseg.models.network import SegmentationNetwork
from imexseg.models.peer import PeerConfig, PeerNetwork, is_peer, peer_config
from imexseg.models.registry import network_config

AnyConfig = NetworkConfig | PeerConfig
AnyNetwork = SegmentationNetwork | PeerNetwork


def model_config(model: str, **settings: Any) -> AnyConfig:
    """The settings of a registered name or of smp:ARCHITECTURE:ENCODER, with some replaced.

    Raises: UsageError for a name that does not exist; pydantic.ValidationError for a setting out of range.
    """
    return peer_config(model, **settings) if is_peer(model) else network_config(model, **settings)


def build_network(config: AnyConfig) -> AnyNetwork:
    """A network with random weights. Raises: UsageError if its parts do not go together."""
    return PeerNetwork(config) if isinstance(config, PeerConfig) else SegmentationNetwork(config)
