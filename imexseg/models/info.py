"""Everything that a weights file records besides the tensors."""

from typing import Any

from pydantic import SerializeAsAny, model_validator

from imexseg.models.config import ImageConfig
from imexseg.models.prediction_info import FORMAT, METADATA_KEY, PixelRange, PredictionInfo

__all__ = ["FORMAT", "METADATA_KEY", "ModelInfo", "PixelRange", "PredictionInfo"]


class ModelInfo(PredictionInfo):
    """Stored as JSON in the metadata of a .safetensors file; the network's settings are enough to build it again."""

    network: SerializeAsAny[ImageConfig]
    data: dict[str, Any]
    metrics: dict[str, Any]
    training: dict[str, Any]

    @model_validator(mode="after")
    def _names_for_the_classes(self) -> "ModelInfo":
        if len(self.names) != self.network.num_classes:
            raise ValueError(f"{len(self.names)} names for a network of {self.network.num_classes} classes")
        return self

    @property
    def in_channels(self) -> int:
        return self.network.in_channels
