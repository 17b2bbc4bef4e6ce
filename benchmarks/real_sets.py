"""Five real data sets, copied at a small size: what their classes are called, and which are merged.

FOLDER holds a folder for each set, with images/{train,val,test} and masks/{train,val,test} in it, masks of class numbers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import yaml

from benchmarks.photograph_data import CAMVID, CCP, CCP_TEN
from imexseg.files import folder_appearing_whole
from imexseg.numerics.scaling import seen_size

NAMES: dict[str, list[str]] = {
    "camvid": CAMVID,
    "ccp": CCP,
    "facade": ["building", "car", "door", "pavement", "road", "sky", "vegetation", "window"],
    "tiles": ["sound", "blowhole", "break", "crack", "fray", "uneven"],
    "vessels": ["background", "artery", "vein"],
}


def data_yaml(name: str) -> str:
    """What stands beside images/ and masks/. The 59 labels of ccp are merged into ten."""
    description: dict[str, Any] = {"names": NAMES[name]}
    if name == "ccp":
        description["classes"] = {merged: labels.split() for merged, labels in CCP_TEN.items()}
    return yaml.safe_dump(description, sort_keys=False)


def small_copy(name: str, source: Path, target: Path, long_side: int, splits: Sequence[str] = ("train", "val")) -> Path:
    """Of source/name, once: images averaged, masks by the nearest pixel, the longer side `long_side` pixels. Returns: target."""
    if target.exists():
        return target
    with folder_appearing_whole(target) as building:
        for path in sorted(path for split in splits for path in (source / name).glob(f"*/{split}/*.*")):
            is_mask = path.parts[-3] == "masks"
            grey = is_mask or name == "tiles"
            pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
            size = seen_size(*pixels.shape[:2], long_side)
            pixels = cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_NEAREST if is_mask else cv2.INTER_AREA)
            copy = building / path.relative_to(source / name).with_suffix(".png")
            copy.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(copy), pixels)
        (building / "data.yaml").write_text(data_yaml(name))
    return target
