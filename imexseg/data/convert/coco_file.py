"""COCO's JSON, validated, with the variants that tools write brought to one form: files, categories, annotations by image."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imexseg.data.convert.json_file import identity, read_json, written_by
from imexseg.data.convert.locate import Files, list_files
from imexseg.data.convert.notes import Notes
from imexseg.data.convert.numbers import Classes, number_ids, number_names
from imexseg.data.convert.splits import split_in
from imexseg.errors import UsageError


@dataclass(frozen=True)
class CocoFile:
    """One JSON as far as it was checked. split: as its name or folder says, None if they do not."""

    path: Path
    split: str | None
    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    categories: dict[str, str]  # id ↦ name

    @property
    def is_panoptic(self) -> bool:
        return any("segments_info" in annotation for annotation in self.annotations)


def read_files(source: Path, notes: Notes) -> list[CocoFile]:
    if source.is_file():
        return [_read(source, read_json(source))]
    files, others = [], []
    for path in list_files(source, {".json"}, notes):
        content = read_json(path)
        if isinstance(content, dict) and {"images", "annotations", "categories"} <= content.keys():
            files.append(_read(path, content))
        else:
            others.append((path, written_by(content)))
    whole = [file for file in files if not _is_about_other_things(file)]
    if not whole:
        first = f"; {others[0][0]}: {others[0][1]}" if others and others[0][1] else ""
        raise UsageError(f"{source}: no COCO instance file in this folder or below{first}; give the annotation file")
    notes.add_all(
        "JSON files without instances, left out",
        [path.name for path, _ in others] + [file.path.name for file in files if file not in whole],
    )
    return whole


def _is_about_other_things(file: CocoFile) -> bool:
    """Captions and keypoints, whose annotations tell nothing of pixels or tell it again."""
    return file.path.name.lower().startswith(("captions", "person_keypoints", "image_info"))


def _read(path: Path, content: Any) -> CocoFile:
    for key in ("images", "annotations", "categories"):
        rows = content.get(key) if isinstance(content, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            other = written_by(content)
            remedy = other if other and "COCO's:" not in other else "give a COCO instance file"
            raise UsageError(f"{path}: has no list {key!r}; {remedy}")
    categories: dict[str, str] = {}
    for category in content["categories"]:
        number, name = identity(category.get("id")), category.get("name")
        if number is None or not isinstance(name, str | int) or isinstance(name, bool) or not str(name).strip():
            raise UsageError(f"{path}: the category {str(category)[:80]} needs an id and a name; add them")
        if categories.setdefault(number, str(name).strip()) != str(name).strip():
            raise UsageError(f"{path}: category {number} is {name!r} and {categories[number]!r}; keep one")
    split = split_in(path.stem, path.parent.name)
    return CocoFile(path, split, content["images"], content["annotations"], categories)


def classes_of(files: list[CocoFile], notes: Notes) -> Classes:
    categories: dict[str, str] = {}
    for file in files:
        for number, name in file.categories.items():
            if categories.setdefault(number, name) != name:
                raise UsageError(
                    f"{file.path}: category {number} is {name!r} here and {categories[number]!r} elsewhere; convert the files "
                    "one by one, or give every category one id"
                )
    rows = [
        row
        for file in files
        for annotation in file.annotations
        for row in annotation.get("segments_info", [annotation])
    ]
    used = {identity(row.get("category_id")) for row in rows if isinstance(row, dict)}
    unused = [number for number in categories if number not in used]
    names = list(categories.values())
    for name in sorted({name for name in names if names.count(name) > 1}):
        same = [number for number, other in categories.items() if other == name]
        notes.remark(f"the categories {', '.join(same)} are all called {name!r}: they become one class")
    if all(number.isdigit() for number in categories):
        ids = {int(number): name for number, name in categories.items()}
        classes = number_ids(ids, "category ids", frozenset(int(number) for number in unused))
    else:
        classes = number_names(names, "counted in the order of the categories in the file, whose ids are not numbers")
        classes = Classes(classes.names, {i: classes.numbers[name] for i, name in categories.items()}, classes.rule)
    for number in unused:
        left_out = number not in classes.numbers
        what = "categories without an annotation, " + ("left out" if left_out else "kept as classes")
        notes.add(what, categories[number])
    return classes


def by_image(file: CocoFile) -> dict[str, list[dict[str, Any]]]:
    of_image: dict[str, list[dict[str, Any]]] = {}
    for image in file.images:
        number = identity(image.get("id"))
        if number is None or number in of_image:
            why = "has no id" if number is None else f"has the id {number}, as another does"
            raise UsageError(f"{file.path}: the image {str(image.get('file_name'))[:200]!r} {why}; correct it")
        of_image[number] = []
    for annotation in file.annotations:
        number = identity(annotation.get("image_id"))
        if number not in of_image:
            raise UsageError(
                f"{file.path}: annotation {annotation.get('id')!r} belongs to image {number}, "
                "which is not listed; list it or remove the annotation"
            )
        of_image[str(number)].append(annotation)
    return of_image


def image_of(file: CocoFile, image: dict[str, Any], found: Files, notes: Notes) -> Path:
    """The file of an image that is listed. Raises: UsageError saying where it was looked for."""
    name = image.get("file_name")
    path = found.find(name, file.path, file.split, notes)
    if path is None:
        raise UsageError(_not_there(file, name, found.root))
    return path


def _not_there(file: CocoFile, name: object, root: Path) -> str:
    text = str(name)[:200]
    if not isinstance(name, str) or not name.strip():
        return f"{file.path}: an image has no file_name (found {text!r}); add it"
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":":
        return (
            f"{file.path}: names the file {text!r}, which is not inside {root}; correct it, or say where with --images"
        )
    return f"{file.path}: {text!r} is not in {root} or any folder below it; say where the images are with --images"
