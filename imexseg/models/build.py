"""From settings to a network, of whichever kind they describe."""

from typing import Any

from imexseg.models.config import ImageConfig, NetworkConfig
from imexseg.models.external import PeerConfig, PeerNetwork, is_peer, peer_config
from imexseg.models.lite0 import LITE0, Lite0Config, Lite0Network, lite0_config
from imexseg.models.network import SegmentationNetwork
from imexseg.models.registry import NETWORKS, network_config

AnyConfig = NetworkConfig | PeerConfig | Lite0Config
AnyNetwork = SegmentationNetwork | PeerNetwork | Lite0Network

REGISTERED = (*NETWORKS, *LITE0)


def model_config(model: str, **settings: Any) -> AnyConfig:
    """The settings of a registered name or of smp:ARCHITECTURE:ENCODER, with some replaced.

    Raises: UsageError for a name that does not exist; pydantic.ValidationError for a setting out of range.
    """
    if is_peer(model):
        return peer_config(model, **settings)
    name = model.replace("_", "-")
    return lite0_config(name, **settings) if name in LITE0 else network_config(name, **settings)


def config_kind(model: str) -> type[AnyConfig]:
    """The class that model_config answers with."""
    if is_peer(model):
        return PeerConfig
    return Lite0Config if model in LITE0 else NetworkConfig


def build_network(config: ImageConfig) -> AnyNetwork:
    """A network with random weights. Raises: UsageError if its parts do not go together."""
    if isinstance(config, PeerConfig):
        return PeerNetwork(config)
    if isinstance(config, Lite0Config):
        return Lite0Network(config)
    assert isinstance(config, NetworkConfig)
    return SegmentationNetwork(config)
