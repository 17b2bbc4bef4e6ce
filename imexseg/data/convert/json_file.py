"""Annotation files in JSON, and which tool wrote a file that a converter cannot read."""

import json
import re
from pathlib import Path
from typing import Any

from imexseg.errors import UsageError
from imexseg.text import read_text


def read_json(path: Path) -> Any:
    """Raises: UsageError if the file is no JSON, naming it."""
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not valid JSON ({str(error)[:100]})") from None


def identity(value: Any) -> str | None:
    """An id as one text, however it is written: 7, 7.0, "7" and "007" are the same; None for what is no id."""
    if isinstance(value, float) and value == value and abs(value) < 2**63 and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    number = re.fullmatch(r"([+-]?\d{1,18})(\.0+)?", text)
    return str(int(number[1])) if number else text[:1000] or None


def is_true(value: Any) -> bool:
    """A flag such as iscrowd as tools write it: 1, true, 1.0, "1", "true"."""
    if isinstance(value, str):
        return value.strip().lower() not in ("", "0", "0.0", "false", "no", "null", "none")
    return bool(value)


def written_by(content: Any) -> str:
    """What a JSON of another format is and what to do with it, "" if that is not known."""
    if isinstance(content, list):
        first = content[0] if content and isinstance(content[0], dict) else {}
        if {"image_id", "category_id"} <= first.keys():
            return "these are COCO results, without images and categories; give the instance file"
        if "data" in first:
            return "this is Label Studio's own JSON; export as COCO there"
        if "Labeled Data" in first or "data_row" in first:
            return "this is Labelbox's; export as COCO there"
        return ""
    if not isinstance(content, dict):
        return ""
    keys = content.keys()
    if any(key.startswith("_via_") for key in keys if isinstance(key, str)) or any(
        isinstance(row, dict) and "regions" in row for row in list(content.values())[:3]
    ):
        return "this is VIA's (VGG Image Annotator); export as COCO there"
    if "shapes" in keys:
        return "this is Labelme's: imexseg convert labelme"
    if {"imgHeight", "objects"} <= keys:
        return "this is Cityscapes'; its masks lie beside it as *_labelIds.png: imexseg check --init"
    if {"size", "objects"} <= keys or "classesMapping" in keys:
        return "this is Supervisely's; export as COCO or Pascal VOC there"
    if "item" in keys and "annotations" in keys:
        return "this is V7 Darwin's; export as COCO there"
    if {"images", "annotations"} <= keys:
        return "this is COCO's: imexseg convert coco"
    return ""
