"""The metadata that `imexseg export` stores in an .onnx file, with the same checks as in apps/web/src/metadata.js."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from apps.edge.errors import UsageError

METADATA_KEY = "imexseg"
FORMATS = (1, 2)  # 2: with a checksum, and the numbers that stand for the classes in the user's masks


@dataclass(frozen=True)
class ModelInfo:
    """What the file says about its network. size: (H, W), or None where it takes any; minimum_size: then the smallest."""

    names: list[str]
    palette: np.ndarray  # (num_classes, 3) uint8, RGB
    in_channels: int
    full_scale: float
    size: tuple[int, int] | None
    minimum_size: tuple[int, int]


def read_info(path: Path, metadata: dict[str, str]) -> ModelInfo:
    """Args: metadata: of the ONNX file.  path: for messages. Raises: UsageError if it is missing or does not fit."""
    if METADATA_KEY not in metadata:
        raise UsageError(f"{path}: has no imexseg metadata (class names, palette); export it with `imexseg export`")
    try:
        content = json.loads(metadata[METADATA_KEY])
    except ValueError as error:
        raise UsageError(f"{path}: its imexseg metadata is not valid JSON ({error}); export it again") from None
    found = content.get("format") if isinstance(content, dict) else None
    if found not in FORMATS or isinstance(found, bool):
        raise UsageError(
            f"{path}: has metadata of format {found}; this program reads up to {FORMATS[-1]}: get a newer one"
        )
    names, palette = content.get("names"), content.get("palette")
    n_names = len(names) if _is_list(names) else 0
    fits = {
        "names": 0 < n_names <= 256 and all(isinstance(name, str) for name in names),
        "palette": _is_list(palette, len(names) if _is_list(names) else 0)
        and all(_is_list(c, 3) and all(map(_is_byte, c)) for c in palette),
        "in_channels": _is_positive_integer(content.get("in_channels")),
        "full_scale": _is_positive_number(content.get("full_scale")),
        "size": _is_size(content.get("size")),
        "minimum_size": _is_size(content.get("minimum_size")),
    }
    for field, well in fits.items():
        if not well:
            raise UsageError(f"{path}: `{field}` in its imexseg metadata does not fit; export it again")
    return ModelInfo(
        names=names,
        palette=np.array(palette, dtype=np.uint8),
        in_channels=content["in_channels"],
        full_scale=float(content["full_scale"]),
        size=_pair(content.get("size")),
        minimum_size=_pair(content.get("minimum_size")) or (1, 1),
    )


def _pair(value: list[int] | None) -> tuple[int, int] | None:
    return None if value is None else (value[0], value[1])


def _is_list(value: Any, length: int | None = None) -> bool:
    return isinstance(value, list) and length in (None, len(value))


def _is_positive_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_byte(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255


def _is_positive_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0 and math.isfinite(value)


def _is_size(value: Any) -> bool:
    return value is None or (_is_list(value, 2) and all(map(_is_positive_integer, value)))
