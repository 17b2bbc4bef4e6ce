"""The options of an export, and the metadata of the file."""

import json
from dataclasses import dataclass
from typing import Any

import onnx

import imexseg
from imexseg.models.checksum import UNSEALED
from imexseg.models.contract import ImageNetwork
from imexseg.models.count import count_parameters
from imexseg.models.prediction_info import METADATA_KEY, CoreInfo, OnnxInfo, PredictionInfo


@dataclass(frozen=True)
class ExportOptions:
    """size: (height, width) in pixels, None for any. precision: fp32, fp16 or int8. core: the layers alone, float NCHW in, logits
    out; what stands before and behind them is in the metadata.
    """

    size: tuple[int, int] | None
    precision: str = "fp32"
    probabilities: bool = False
    logits: bool = False  # for the comparison with torch only
    core: bool = False

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
        core=_core_info(network, options) if options.core else None,
    )
    content = facts.model_dump(mode="json")
    if facts.core is None:
        del content["core"]  # an older imexseg reads a whole file as before
    return {METADATA_KEY: json.dumps(content | {"checksum": UNSEALED}, ensure_ascii=False)}


def info_of(model: onnx.ModelProto) -> OnnxInfo:
    """What `metadata` put into it."""
    (text,) = (entry.value for entry in model.metadata_props if entry.key == METADATA_KEY)
    content = json.loads(text)
    del content["checksum"]
    return OnnxInfo.model_validate(content)


def _core_info(network: ImageNetwork, options: ExportOptions) -> CoreInfo:
    config, stride = network.config, network.total_stride
    seen = network.seen(*options.size) if options.size else None
    padded = (-(-seen[0] // stride) * stride, -(-seen[1] // stride) * stride) if seen else None
    return CoreInfo(
        mean=list(config.mean),
        std=list(config.std),
        stride=stride,
        smallest_side=network.smallest_side,
        input_size=padded,
    )


def _licence(data: dict[str, Any]) -> str:
    """Of the weights: what data.yaml says, Q-tips' own, or nothing known."""
    if data.get("generator"):
        return "Apache-2.0"
    return data.get("licence") or "chosen by whoever trained it; imexseg is Apache-2.0"
