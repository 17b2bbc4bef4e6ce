"""What is asked of an export, and what the file says of itself."""

import json
from dataclasses import dataclass
from typing import Any

import imexseg
from imexseg.inference.onnx_predictor import METADATA_KEY
from imexseg.inference.overlap import seen_radius_of
from imexseg.models.facts import count_parameters
from imexseg.models.network import ImageNetwork, SegmentationNetwork


@dataclass(frozen=True)
class ExportOptions:
    """size: (height, width) in pixels, None for any. precision: fp32, fp16 or int8."""

    size: tuple[int, int] | None
    precision: str = "fp32"
    probabilities: bool = False
    logits: bool = False  # for the comparison with torch only


def minimum_size(network: ImageNetwork) -> int:
    """Pixels: the coarsest grid needs two points a side, where adjoints and neighbours differ from each other."""
    return 2 * network.total_stride if isinstance(network, SegmentationNetwork) else network.total_stride


def metadata(network: ImageNetwork, options: ExportOptions) -> dict[str, str]:
    """What a runtime needs to know, so that it needs no second file."""
    info = network.info
    facts: dict[str, Any] = {
        "format": 1,
        "model": info.model,
        "names": info.names,
        "palette": info.palette,
        "in_channels": network.config.in_channels,
        "full_scale": info.full_scale,
        "size": list(options.size) if options.size else None,
        "minimum_size": [minimum_size(network)] * 2,
        "precision": options.precision,
        "licence": "Apache-2.0"
        if info.data.get("generator")
        else "chosen by whoever trained it; imexseg is Apache-2.0",
        "version": imexseg.__version__,
        "metrics": info.metrics,
        "data": info.data,
        "augmentation": str(info.training.get("augmentation", "")),
        "seen_radius": seen_radius_of(network),
        "parameters": count_parameters(network),
    }
    return {METADATA_KEY: json.dumps(facts, ensure_ascii=False)}
