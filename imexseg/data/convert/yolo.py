"""YOLO segmentation: labels/*.txt with `class x y x y …`, relative to the image; names in data.yaml. Later lines win.

The folders are those of `train:`, `val:` and `test:` in data.yaml, or else images/{split} or {split}/images; the labels lie in
the same place with labels/ for images/. Class 0 is the background. An image without a file of labels shows nothing else.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from imexseg.data.convert.canvas import Canvas
from imexseg.data.convert.locate import Files, list_files, list_images
from imexseg.data.convert.notes import Notes
from imexseg.data.convert.numbers import Classes, number_ids
from imexseg.data.convert.splits import SPLIT_OF_WORD
from imexseg.data.convert.target import Item, Plan
from imexseg.data.convert.yolo_names import yolo_file
from imexseg.data.description.data_yaml import SPLITS
from imexseg.errors import UsageError
from imexseg.text import read_text

_BEYOND = 0.01  # of the image that coordinates may leave it by, from rounding and smoothing


def convert_yolo(source: Path, folder: Path | None = None) -> Plan:
    """Args: folder: where the images are, if they do not lie beside their labels; it has the subfolders of labels/.

    Raises: UsageError naming the file, the line and the remedy.
    """
    notes = Notes()
    file, content, names = yolo_file(source, notes)
    classes = number_ids(names, "class numbers of the label files")
    if folder is None:
        images = _images(source, content, notes)
        label_of = {image: _label_file(image, source) for found in images.values() for image in found}
    else:
        images, label_of = _elsewhere(folder, source, content, notes)
    if not label_of:
        raise UsageError(f"{source}: no images in images/{{train,val,test}}, {{train,val,test}}/images or images")
    for image, label in label_of.items():
        _must_be_there(label.parent, image.parent)
    present = {str(path).casefold(): path for path in _all_labels(label_of, notes)}
    items = []
    for split, files in images.items():
        for image in files:
            own = present.pop(str(label_of[image]).casefold(), None)
            if own is None:
                notes.add("images without a label file, all background", image.name)
            draw = partial(_mask, own, image, classes, file, notes)
            items.append(Item(split, _stem(image, folder or source), image, image.suffix, draw))
    notes.add_all("label files without an image, left out", [path.name for path in present.values()])
    return Plan(classes.names, items, classes.rule, notes=notes)


def _elsewhere(
    folder: Path, source: Path, content: dict[str, Any], notes: Notes
) -> tuple[dict[str, list[Path]], dict[Path, Path]]:
    """Split ↦ images of a folder, those that the lists of data.yaml name if it has any; image ↦ its labels."""
    known = Files(folder, list_images(folder, notes))
    images: dict[str, list[Path]] = {}
    for key, split in SPLIT_OF_WORD.items():
        place = _inside(source, content.get("path"), content[key]) if isinstance(content.get(key), str) else None
        if place is not None and place.is_file():
            images[split] = _listed(place, known, notes)
    images = _once(images or {"train": known.paths})
    found = [image for files in images.values() for image in files]
    return images, {image: source / "labels" / image.relative_to(folder).with_suffix(".txt") for image in found}


def _all_labels(label_of: Mapping[Path, Path], notes: Notes) -> list[Path]:
    """Every .txt beside the labels that are looked for, but for the lists of classes."""
    folders = {label.parent for label in label_of.values()}
    paths = {path for folder in folders for path in list_files(folder, {".txt"}, notes)}
    return sorted(path for path in paths if path.name != "classes.txt")


def _images(source: Path, content: dict[str, Any], notes: Notes) -> dict[str, list[Path]]:
    """Split ↦ images: as data.yaml says where that leads anywhere, else by the names of folders."""
    found: dict[str, list[Path]] = {}
    for key, split in SPLIT_OF_WORD.items():
        given = content.get(key)
        for place in given if isinstance(given, list) else [given] if given else []:
            path = _inside(source, content.get("path"), place)
            if path is None:
                notes.add(
                    "paths in data.yaml that do not exist, folders found by their names instead", f"{key}: {place}"
                )
            else:
                found.setdefault(split, []).extend(
                    _listed(path, Files(source, list_images(source, notes)), notes)
                    if path.is_file()
                    else list_images(path, notes)
                )
    if set(found) >= {"train"} or (found and "train" not in content):
        return _once(found)
    by_folder: dict[str, list[Path]] = {}
    for word, split in SPLIT_OF_WORD.items():
        for folder in (source / "images" / word, source / word / "images"):
            if folder.is_dir():
                by_folder.setdefault(split, []).extend(list_images(folder, notes))
    if not by_folder and (source / "images").is_dir():
        by_folder["train"] = list_images(source / "images", notes)
    if not by_folder and list_files(source, {".txt"}, notes):  # labels beside the images
        by_folder["train"] = list_images(source, notes)
    return _once(by_folder)


def _once(images: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """Raises: UsageError for an image of two splits."""
    split_of: dict[Path, str] = {}
    for split in SPLITS:
        for path in images.get(split, []):
            if split_of.setdefault(path, split) != split:
                raise UsageError(
                    f"{path}: is in {split_of[path]} and in {split}; correct data.yaml so that it is in one"
                )
    return {split: [path for path in split_of if split_of[path] == split] for split in SPLITS if split in images}


def _inside(source: Path, root: Any, place: Any) -> Path | None:
    """A path of data.yaml: from `path:`, or from its own folder; as Roboflow writes it, one ../ too many. None if not there."""
    text = str(place).replace("\\", "/")
    base = str(root or "").replace("\\", "/")
    for name in (f"{base}/{text}", text, text.removeprefix("../"), f"{base}/{text.removeprefix('../')}"):
        parts = [part for part in PurePosixPath(name).parts if part != "."]
        if ".." not in parts and not PurePosixPath(name).is_absolute() and (source / name).exists():
            return source / name
    return None


def _listed(path: Path, known: Files, notes: Notes) -> list[Path]:
    """A text file with the path of an image on each line, from wherever: CVAT's begin with data/."""
    images = []
    for line in read_text(path).splitlines():
        if line.strip():
            image = known.find(line.strip(), path, None, notes)
            if image is None:
                raise UsageError(
                    f"{path}: lists {line.strip()[:200]!r}, which is not an image inside {known.root}; correct it"
                )
            images.append(image)
    return images


def _stem(image: Path, source: Path) -> str:
    """Its path without the folders that say images or the split."""
    *folders, _ = image.relative_to(source).parts
    at = max((i + 1 for i, name in enumerate(folders) if name.lower() == "images"), default=0)
    return "_".join([*(name for name in folders[at:] if name.lower() not in SPLIT_OF_WORD), image.stem])


def _label_file(image: Path, source: Path) -> Path:
    """Where Ultralytics looks: the last images/ of the path becomes labels/."""
    parts = list(image.relative_to(source).parts)
    at = [i for i, part in enumerate(parts[:-1]) if part.lower() == "images"]
    if at:
        parts[at[-1]] = "labels"
    return (source / Path(*parts)).with_suffix(".txt")


def _must_be_there(folder: Path, images: Path) -> None:
    """Raises: UsageError for a folder of labels that is missing, telling what lies where it should."""
    if folder.is_dir():
        return
    missing = next((path for path in [*reversed(folder.parents), folder] if not path.is_dir()), folder)
    near = sorted(path.name for path in missing.parent.iterdir() if path.is_dir() and not images.is_relative_to(path))
    there = f" (there is {', '.join(near[:3])})" if near else ""
    raise UsageError(
        f"{missing}: no such folder{there}, so all images in {images} would be background; give the folder of labels this name, "
        f"or make {folder} an empty folder if that is meant"
    )


def _mask(
    file: Path | None, image: Path, classes: Classes, names: Path, notes: Notes, size: tuple[int, int]
) -> np.ndarray:
    canvas = Canvas(size, size, file or image, image, notes)
    lines = read_text(file).splitlines() if file else []
    if file and not any(line.strip() for line in lines):
        notes.add("images whose label file is empty, all background", image.name)
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        where = f"{file}: line {number}"
        try:
            values = [float(word) for word in words]
        except ValueError:
            raise UsageError(f"{where}: expected `class x y x y ...`, found {line[:80]!r}") from None
        key = str(int(values[0])) if values[0].is_integer() else ""
        if key not in classes.numbers:
            raise UsageError(
                f"{where}: class {words[0]} has no name; {names.name} has {', '.join(classes.numbers)[:80]}"
            )
        if len(values) == 5:
            raise UsageError(
                f"{where}: is a box, which does not say which pixels belong to the object; give outlines "
                "(a segmentation data set)"
            )
        if len(values) % 2 == 0:
            raise UsageError(
                f"{where}: has an odd number of coordinates; expected `class x y x y ...` without a confidence"
            )
        corners = np.array(values[1:]).reshape(-1, 2)
        if not ((corners >= -_BEYOND) & (corners <= 1 + _BEYOND)).all():
            raise UsageError(f"{where}: has coordinates outside 0 to 1; divide them by width and height")
        try:
            canvas.outline(corners * (size[1], size[0]), classes.numbers[key])
        except ValueError as error:
            raise UsageError(f"{where}: {error}") from None
    return canvas.mask
