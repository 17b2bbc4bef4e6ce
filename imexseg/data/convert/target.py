"""What every converter hands over, and the one place that writes: complete or not at all, the source untouched."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import yaml
from PIL import Image

from imexseg.data.description.data_yaml import SPLITS
from imexseg.data.description.labels import IGNORE
from imexseg.data.description.palette import Colour
from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES
from imexseg.errors import JobError, UsageError

LARGEST_TEXT = 1 << 30  # bytes of one annotation file


@dataclass(frozen=True)
class Item:
    """One image with its mask. name: without suffix.  image: a file, or the bytes of one with their suffix."""

    split: str
    name: str
    image: Path | bytes
    suffix: str
    mask: Callable[[], np.ndarray]  # (H, W) uint8 class numbers, made when it is written


@dataclass(frozen=True)
class Plan:
    """A data set to be written. remarks: what a person should know, a line each."""

    names: list[str]
    items: list[Item]
    palette: Sequence[Colour] = ()
    remarks: list[str] = field(default_factory=list)


def write_plan(plan: Plan, out: Path, progress: Callable[[int, int], None] = lambda n_done, n_total: None) -> None:
    """Write images/{split}, masks/{split} and data.yaml. Images are copied as they are.

    Raises: UsageError if out is taken or the plan is empty; JobError if it cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: exists and is not empty; choose another folder")
    if not plan.items:
        raise UsageError("nothing to convert: no image with annotations was found")
    if not 2 <= len(plan.names) <= 254:
        raise UsageError(f"{len(plan.names)} classes were found; there must be 2 to 254 with the background")
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.absolute().parent))
    except OSError as error:
        raise JobError(f"{out}: cannot be written ({error.strerror or error}); choose another folder") from None
    try:
        taken: set[tuple[str, str]] = set()
        for n_done, item in enumerate(plan.items, start=1):
            _write_item(building, item, taken)
            progress(n_done, len(plan.items))
        (building / "data.yaml").write_text(_description(plan), encoding="utf-8")
        building.chmod(0o755)
        building.replace(out)
    except OSError as error:
        shutil.rmtree(building, ignore_errors=True)
        raise JobError(f"{out}: cannot be written ({error.strerror or error}); nothing was left behind") from None
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _write_item(building: Path, item: Item, taken: set[tuple[str, str]]) -> None:
    plain = "".join(c if c.isalnum() or c in "-_.() " else "_" for c in item.name).strip(". ")[:150] or "image"
    candidates = [plain, *(f"{plain}_{number}" for number in range(2, len(taken) + 3))]
    name = next(candidate for candidate in candidates if (item.split, candidate.lower()) not in taken)
    taken.add((item.split, name.lower()))
    places = [building / kind / item.split for kind in ("images", "masks")]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    target = places[0] / f"{name}{item.suffix.lower()}"
    if isinstance(item.image, bytes):
        target.write_bytes(item.image)
    else:
        shutil.copyfile(item.image, target)
    encoded, data = cv2.imencode(".png", item.mask())
    if not encoded:
        raise OSError(f"the mask of {name} could not be encoded")
    (places[1] / f"{name}.png").write_bytes(data.tobytes())


def _description(plan: Plan) -> str:
    content: dict = {"names": plan.names}
    if plan.palette:
        content["palette"] = [list(colour) for colour in plan.palette]
    if not any(item.split == "val" for item in plan.items):
        content["split"] = {"val": 0.2, "test": 0.0, "seed": 0}
    return yaml.safe_dump(content, sort_keys=False, default_flow_style=None, allow_unicode=True)


def inside(root: Path, name: object, source: Path) -> Path:
    """A file that an annotation names, which must lie below the root. Raises: UsageError if it does not."""
    path = root / str(name).replace("\\", "/")
    try:
        lies_inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError):
        lies_inside = False
    if not isinstance(name, str) or not name or not lies_inside:
        raise UsageError(f"{source}: names the file {str(name)[:200]!r}, which is not inside {root}; correct it")
    return path


def image_size(path: Path) -> tuple[int, int]:
    """(H, W) upright, from the header alone. Raises: UsageError if it is no image of a known kind."""
    if path.suffix.lower() not in IMAGE_SUFFIXES - {".npy"}:
        raise UsageError(f"{path}: is not an image that is read here; use {', '.join(sorted(IMAGE_SUFFIXES))}")
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file, but it is annotated; add it or remove its annotation") from None
    except Exception as error:  # decoders raise whatever they stumble over in the bytes of strangers
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"{path}: is not an image that can be read ({reason})") from None
    return (width, height) if turned else (height, width)


def read_text(path: Path) -> str:
    """Raises: UsageError if the file is missing, too large or no text."""
    try:
        if path.stat().st_size > LARGEST_TEXT:
            raise UsageError(f"{path}: is larger than {LARGEST_TEXT} bytes; split it")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise UsageError(f"{path}: is not text in UTF-8") from None


def split_in(name: str) -> str | None:
    """The split that the name of a file or folder speaks of, if any."""
    lowered = name.lower()
    return next((split for split in SPLITS if split in lowered), None)


def empty_mask(size: tuple[int, int]) -> np.ndarray:
    """All background. Shapes: → (H, W) uint8."""
    return np.zeros(size, dtype=np.uint8)


__all__ = ["IGNORE", "Item", "Plan", "empty_mask", "image_size", "inside", "read_text", "split_in", "write_plan"]
