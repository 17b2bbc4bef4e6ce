"""Labelme: a JSON file for each image. Pixels that mean nothing are the shape __ignore__; a part with holes is one line."""

import json
from collections.abc import Sequence
from typing import Any

from imexseg.data.description.labels import IGNORE
from imexseg.inference.outlines.named import Outlined, outlined_classes

IGNORED, BACKGROUND = "__ignore__", "_background_"
_VERSION = "5.5.0"  # of Labelme, whose form this is


def labelme_json(image: Outlined, names: Sequence[str]) -> bytes:
    """Args: image: its name is the path from the folder of the JSON."""
    shapes: list[dict[str, Any]] = [
        {
            "label": IGNORED if part.label == IGNORE else names[part.label],
            "points": part.as_one_line().tolist(),
            "group_id": None,
            "description": "",
            "shape_type": "polygon",
            "flags": {},
            "mask": None,
        }
        for part in image.parts
    ]
    content: dict[str, Any] = {
        "version": _VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image.name,
        "imageData": None,
        "imageHeight": image.size[0],
        "imageWidth": image.size[1],
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def labelme_names(names: Sequence[str]) -> bytes:
    """labels.txt: the classes in their order."""
    return "\n".join([IGNORED, BACKGROUND, *(names[number] for number in outlined_classes(names)), ""]).encode()
