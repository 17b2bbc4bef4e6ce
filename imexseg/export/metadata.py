"""The options of an export, and the metadata of the file."""

import json
from dataclasses import dataclass
from typing import Any

import imexseg
from imexseg.models.checksum import UNSEALED
from imexseg.models.contract import ImageNetwork
from imexseg.models.count import count_parameters
from imexseg.models.prediction_info import METADATA_KEY, OnnxInfo, PredictionInfo


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


def metadata(network: ImageNetwork, options: ExportOptions) -> dict[str, str]:
    """What a runtime needs to know, so that it needs no second file. The checksum is filled in once the file is written."""
    info = network.info
    facts = OnnxInfo(
        **info.model_dump(include=set(PredictionInfo.model_fields) - {"format", "version"}),
        version=imexseg.__version__,
        in_channels=network.config.in_channels,
        size=options.size,
        minimum_size=(network.smallest_exported_side,) * 2,
        long_side=network.config.long_side,
        parameters=count_parameters(network),
        seen_radius=network.reach(),
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
