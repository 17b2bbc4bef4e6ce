"""Q-tips as a folder of images and masks, in the layout that users have for their own data."""

from collections.abc import Callable
from pathlib import Path

import cv2
import yaml

from .presets import CLASS_NAMES, PALETTE
from .qtips import QTips


def write_dataset(
    out: Path,
    preset: str = "authors",
    size: int | None = None,
    counts: dict[str, int] | None = None,
    seed: int = 0,
    progress: Callable[[int], None] = lambda n_done: None,
) -> Path:
    """Write images/{split}, masks/{split} and, last of all, data.yaml: a folder without it is unfinished.

    Args: counts: images for each split, by default 1024 train, 64 val, 64 test, as many as the authors published.
    Returns: the path of data.yaml.
    Raises: FileExistsError if out exists and is not an empty folder; OSError if it cannot be written; ValueError as QTips.
    """
    counts = {"train": 1024, "val": 64, "test": 64} if counts is None else counts
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} exists and is not empty")
    sources = {split: QTips(preset, size, seed, split) for split in counts}
    n_done = 0
    for split, source in sources.items():
        for kind in ("images", "masks"):
            (out / kind / split).mkdir(parents=True)
        for index in range(counts[split]):
            for kind, pixels in zip(("images", "masks"), source[index], strict=True):
                _write_png(out / kind / split / f"{index:06d}.png", pixels)
            n_done += 1
            progress(n_done)
    description = {"names": list(CLASS_NAMES), "palette": [list(colour) for colour in PALETTE], "channels": 1}
    (out / "data.yaml").write_text(yaml.safe_dump(description, sort_keys=False, default_flow_style=None))
    return out / "data.yaml"


def _write_png(path: Path, pixels) -> None:
    encoded, data = cv2.imencode(".png", pixels)
    if not encoded:
        raise OSError(f"{path}: the image could not be encoded as PNG")
    path.write_bytes(data.tobytes())
