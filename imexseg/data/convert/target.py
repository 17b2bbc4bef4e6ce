"""What every converter returns, and the one place that writes it: completely or not at all, leaving the source untouched."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import yaml
from PIL import Image

from imexseg.data.convert.notes import Notes
from imexseg.data.description.data_yaml import SPLITS
from imexseg.data.description.palette import Colour
from imexseg.data.read.images import read_image
from imexseg.errors import UsageError
from imexseg.files import folder_appearing_whole, require_unused

_ORIENTATION = 0x0112  # the EXIF tag


@dataclass(frozen=True)
class Item:
    """One image with its mask. name: without suffix.  image: a file, or the bytes of one and the file that holds them.

    mask: (H, W) of the image ↦ numbers of the classes (H, W) uint8; called when it is written.
    """

    split: str
    name: str
    image: Path | tuple[bytes, Path]
    suffix: str
    mask: Callable[[tuple[int, int]], np.ndarray]


@dataclass(frozen=True)
class Plan:
    """A data set to be written. names: number in the masks ↦ class.  rule: how the numbers were chosen, in words."""

    names: dict[int, str]
    items: list[Item]
    rule: str
    palette: Sequence[Colour] = ()
    notes: Notes = field(default_factory=Notes)


def write_plan(
    plan: Plan, source: Path, out: Path, progress: Callable[[int, int], None] = lambda n_done, n_total: None
) -> list[str]:
    """Write images/{split}, masks/{split} and data.yaml. Images are read whole, to be sure of them, and copied as they are.

    Args: source: what is converted, for messages.
    Returns: the summary, a line each: classes with their numbers, images of each split, what was left out or assumed.
    Raises: UsageError if out is taken, the plan is empty or an image is damaged; JobError if it cannot be written.
    """
    require_unused(out)
    if not plan.items:
        why = "".join(f"; {line}" for line in plan.notes.lines())
        raise UsageError(f"{source}: nothing to convert: no image with an annotation was found{why}")
    if not 2 <= len(plan.names) <= 254:
        raise UsageError(f"{source}: {len(plan.names)} classes were found; there must be 2 to 254 with the background")
    with folder_appearing_whole(out) as building:
        taken: set[tuple[str, str]] = set()
        for n_done, item in enumerate(plan.items, start=1):
            _write_item(building, item, taken, plan.notes)
            progress(n_done, len(plan.items))
        (building / "data.yaml").write_text(_description(plan), encoding="utf-8")
    return _summary(plan)


def _write_item(building: Path, item: Item, taken: set[tuple[str, str]], notes: Notes) -> None:
    plain = "".join(c if c.isalnum() or c in "-_.() " else "_" for c in item.name).strip(". ")[:150] or "image"
    candidates = [plain, *(f"{plain}_{number}" for number in range(2, len(taken) + 3))]
    name = next(candidate for candidate in candidates if (item.split, candidate.lower()) not in taken)
    taken.add((item.split, name.lower()))
    if name != plain:
        notes.add("images with the same name, numbered", f"{plain} → {name}")
    places = [building / kind / item.split for kind in ("images", "masks")]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    target = places[0] / f"{name}{item.suffix.lower()}"
    if isinstance(item.image, tuple):
        target.write_bytes(item.image[0])
    else:
        shutil.copyfile(item.image, target)
    encoded, data = cv2.imencode(".png", item.mask(_size(target, item, notes)))
    if not encoded:
        raise OSError(f"the mask of {name} could not be encoded")
    (places[1] / f"{name}.png").write_bytes(data.tobytes())


def _size(copy: Path, item: Item, notes: Notes) -> tuple[int, int]:
    """(H, W) upright of an image that was read to its end."""
    try:
        height, width = read_image(copy).shape[:2]
    except UsageError as error:
        named = item.image if isinstance(item.image, Path) else f"{item.image[1]}: the image in it (imageData)"
        raise UsageError(str(error).replace(str(copy), str(named))) from None
    if _is_turned(copy):
        notes.add("images turned by an EXIF orientation, annotations taken to be for the upright image", item.name)
    return height, width


def _is_turned(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return image.getexif().get(_ORIENTATION, 1) in range(2, 9)
    except Exception:  # an .npy, or a TIFF that another reader reads: neither has EXIF
        return False


def _description(plan: Plan) -> str:
    numbers = list(plan.names)
    counted = numbers == list(range(len(numbers)))
    content: dict = {"names": list(plan.names.values()) if counted else plan.names}
    if plan.palette:
        content["palette"] = [list(colour) for colour in plan.palette]
        content["masks_hold"] = "numbers"
    splits = {item.split for item in plan.items}
    if "train" in splits and "val" not in splits:
        content["split"] = {"val": 0.2, "test": 0.0, "seed": 0}
    return yaml.safe_dump(content, sort_keys=False, default_flow_style=None, allow_unicode=True)


def _summary(plan: Plan) -> list[str]:
    numbers = {split: sum(item.split == split for item in plan.items) for split in SPLITS}
    found = [f"{split} {number}" for split, number in numbers.items() if number]
    lines = [
        "classes, by their number in the masks: " + ", ".join(f"{n} {name}" for n, name in plan.names.items()),
        f"numbers are {plan.rule}; 255 is ignored",
        "images: " + ", ".join(found),
    ]
    if not numbers["train"]:
        lines.append("no image is named as training: there is nothing to train on")
    elif not numbers["val"]:
        lines.append("no image is named as validation: `split` in data.yaml sets aside a fifth of the images at random")
    return lines + plan.notes.lines()
