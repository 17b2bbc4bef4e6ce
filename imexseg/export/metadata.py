"""What is asked of an export, and what the file says of itself."""

import json
from dataclasses import dataclass
from typing import Any

import imexseg
from imexseg.inference.overlap import seen_radius_of
from imexseg.models.checksum import UNSEALED
from imexseg.models.external import PeerNetwork
from imexseg.models.network import ImageNetwork
from imexseg.models.prediction_info import METADATA_KEY, OnnxInfo, PredictionInfo
from imexseg.models.summary import count_parameters


@dataclass(frozen=True)
class ExportOptions:
    """size: (height, width) in pixels, None for any. precision: fp32, fp16 or int8."""

    size: tuple[int, int] | None
    precision: str = "fp32"
    probabilities: bool = False
    logits: bool = False  # for the comparison with torch only

    @property
    def words(self) -> str:
        """Which images, for messages."""
        return f"{self.size[1]} x {self.size[0]} px" if self.size else "any size"


def minimum_size(network: ImageNetwork) -> int:
    """Pixels of the shorter side. A network with a long_side makes smaller images larger by itself."""
    if network.config.long_side is not None:
        return 1
    return network.total_stride if isinstance(network, PeerNetwork) else network.smallest_side


def metadata(network: ImageNetwork, options: ExportOptions) -> dict[str, str]:
    """What a runtime needs to know, so that it needs no second file. The checksum is filled in once the file is written."""
    info = network.info
    facts = OnnxInfo(
        **info.model_dump(include=set(PredictionInfo.model_fields) - {"format", "version"}),
        version=imexseg.__version__,
        in_channels=network.config.in_channels,
        size=options.size,
        minimum_size=(minimum_size(network),) * 2,
        long_side=network.config.long_side,
        parameters=count_parameters(network),
        seen_radius=seen_radius_of(network),
        precision=options.precision,
        licence=_licence(info.data),
        metrics=info.metrics,
        data=info.data,
        augmentation=str(info.training.get("augmentation", "")),
    )
    return {METADATA_KEY: json.dumps(facts.model_dump(mode="json") | {"checksum": UNSEALED}, ensure_ascii=False)}


def _licence(data: dict[str, Any]) -> str:
    """Of the weights: what data.yaml says, Q-tips' own, or nothing known."""
    if data.get("generator"):
        return "Apache-2.0"
    return data.get("licence") or "chosen by whoever trained it; imexseg is Apache-2.0"
