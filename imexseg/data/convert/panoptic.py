"""COCO panoptic: a PNG for each image whose colours are the ids of segments, R + 256 G + 65536 B, and a JSON of their classes.

Every pixel has a class of its own; where the id is 0 nobody said what is there, so it is ignored (255), as are crowds.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from imexseg.data.convert.coco_file import CocoFile, by_image, image_of
from imexseg.data.convert.json_file import identity, is_true
from imexseg.data.convert.locate import Files, list_files, list_images
from imexseg.data.convert.notes import Notes
from imexseg.data.convert.numbers import Classes
from imexseg.data.convert.target import Item, Plan
from imexseg.data.description.labels import IGNORE
from imexseg.data.read.images import read_image_and_void
from imexseg.errors import UsageError


def convert_panoptic(files: list[CocoFile], root: Path, classes: Classes, notes: Notes) -> Plan:
    """Raises: UsageError naming the file and the remedy."""
    folders = {file.path: _folder(file, root) for file in files}
    masks = {path: Files(folder, list_files(folder, {".png"}, notes)) for path, folder in folders.items()}
    pictures = [path for path in list_images(root, notes) if not any(path.is_relative_to(f) for f in folders.values())]
    found = Files(root, pictures)
    items = []
    for file in files:
        of_image = by_image(file)
        for image in file.images:
            path = image_of(file, image, found, notes)
            rows = of_image[str(identity(image.get("id")))]
            if len(rows) != 1:
                raise UsageError(
                    f"{file.path}: {path.name} has {len(rows)} annotations, expected one with segments_info"
                )
            mask = masks[file.path].find(rows[0].get("file_name"), file.path, file.split, notes)
            if mask is None:
                raise UsageError(
                    f"{file.path}: the mask {str(rows[0].get('file_name'))[:200]!r} is not in {folders[file.path]}"
                )
            draw = partial(_mask, mask, rows[0].get("segments_info"), file, classes, notes)
            items.append(Item(file.split or "train", path.stem, path, path.suffix, draw))
    notes.add_all("image files that no annotation file lists, left out", [path.name for path in found.left()])
    numbers = {n: name for n, name in classes.names.items() if n or 0 in classes.numbers.values()}
    return Plan(numbers, items, classes.rule, notes=notes)


def _folder(file: CocoFile, root: Path) -> Path:
    """Where its masks are: a folder of its own name, beside it or below the images."""
    candidates = [file.path.with_suffix(""), root / file.path.stem, root / "annotations" / file.path.stem]
    candidates += [root / "panoptic", file.path.parent / "panoptic"]
    folder = next((folder for folder in candidates if folder.is_dir()), None)
    if folder is None:
        raise UsageError(f"{candidates[0]}: no such folder; unpack the panoptic masks of {file.path.name} there")
    return folder


def _mask(
    path: Path, segments: Any, file: CocoFile, classes: Classes, notes: Notes, size: tuple[int, int]
) -> np.ndarray:
    pixels, void = read_image_and_void(path)
    if void is not None:
        raise UsageError(f"{path}: has transparent pixels, so their segments are not known; export it without alpha")
    if pixels.shape[:2] != size:
        raise UsageError(
            f"{path}: is {pixels.shape[1]} x {pixels.shape[0]} px, its image {size[1]} x {size[0]} px; scale it "
            "without interpolation"
        )
    if pixels.shape[2] == 1:  # ids in one channel
        ids = pixels[..., 0].astype(np.uint32)
    elif pixels.shape[2] == 3:
        ids = pixels.astype(np.uint32) @ np.array([1, 256, 65536], dtype=np.uint32)
    else:
        raise UsageError(f"{path}: has {pixels.shape[2]} channels, a panoptic mask has three; export it again")
    numbers = {0: IGNORE}
    for segment in segments if isinstance(segments, list) else []:
        number = identity(segment.get("id")) if isinstance(segment, dict) else None
        category = identity(segment.get("category_id")) if isinstance(segment, dict) else None
        if number is None or not number.isdigit() or category not in classes.numbers:
            raise UsageError(
                f"{file.path}: the segment {str(segment)[:100]} of {path.name} needs an id and a known category"
            )
        if is_true(segment.get("iscrowd")):
            notes.add("crowds, ignored (255)", path.name)
        numbers[int(number)] = IGNORE if is_true(segment.get("iscrowd")) else classes.numbers[category]
    found, at = np.unique(ids, return_inverse=True)
    unknown = [int(i) for i in found if int(i) not in numbers]
    if unknown:
        raise UsageError(
            f"{path}: has the segment {unknown[0]}, which {file.path.name} does not list; export the two together again"
        )
    if 0 in found:
        notes.add("images with pixels of no segment, ignored (255)", path.name)
    return np.array([numbers[int(i)] for i in found], dtype=np.uint8)[at].reshape(size)
