"""The names of YOLO's classes: data.yaml of Ultralytics, or obj.names and classes.txt of older tools."""

from pathlib import Path
from typing import Any

from imexseg.data.convert.json_file import identity
from imexseg.data.convert.notes import Notes
from imexseg.errors import UsageError
from imexseg.settings import read_yaml_mapping
from imexseg.text import read_text

_LISTS = ("classes.txt", "obj.names", "data/obj.names", "labels/classes.txt")  # Label Studio, CVAT, makesense


def yolo_file(source: Path, notes: Notes) -> tuple[Path, dict[str, Any], dict[int, str]]:
    """The file, its content, and class number ↦ name. Raises: UsageError naming the file and the remedy."""
    candidates = [source / "data.yaml", source / "dataset.yaml", *sorted(source.glob("*.y*ml"))]
    files = [path for path in dict.fromkeys(candidates) if path.is_file() and path.name[0] != "."]
    for path in files:
        content = read_yaml_mapping(path)
        if "names" in content or len(files) == 1:
            return path, content, _names(path, content, notes)
    for path in (source / name for name in _LISTS):
        if path.is_file():
            names = [line.strip() for line in read_text(path).splitlines() if line.strip()]
            notes.remark(f"there is no data.yaml: names are taken from {path.name}")
            return path, {}, dict(enumerate(names))
    raise UsageError(f"{source}: no data.yaml with names; add one like `names: [cat, dog]`")


def _names(path: Path, content: dict[str, Any], notes: Notes) -> dict[int, str]:
    names = content.get("names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise UsageError(f"{path}: has no list of names; add one like `names: [cat, dog]`")
    numbered: dict[int, str] = {}
    for key, name in names.items():
        number = identity(key)
        if number is None or not number.isdigit() or int(number) in numbered:
            raise UsageError(
                f"{path}: names: {key!r} is not a class number, or not the only one; write `names: {{0: cat, 1: dog}}`"
            )
        if name is None or isinstance(name, bool | list | dict) or not str(name).strip():
            raise UsageError(f"{path}: names: YAML reads the name of class {number} as {name!r}; put it in quotes")
        numbered[int(number)] = str(name).strip()
    count = identity(content.get("nc"))
    if count is not None and count != str(len(numbered)):
        notes.remark(f"{path.name} says nc: {count}, but names {len(numbered)} classes; the names count")
    repeated = sorted({name for name in numbered.values() if list(numbered.values()).count(name) > 1})
    if repeated:
        notes.remark(f"classes with the same name become one class: {', '.join(repeated)}")
    return numbered
