"""data.yaml: how a data set describes itself."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from imexseg.data.description.labels import IGNORE, LabelTable, label_table, plain_labels
from imexseg.data.description.palette import Byte, Colour, default_palette
from imexseg.errors import UsageError
from imexseg.settings import explain_validation, read_yaml_mapping

SPLITS = ("train", "val", "test")


class SplitRule(BaseModel):
    """How many of the files go into validation and test, where they have no folders of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    val: float = Field(default=0.2, ge=0, lt=1, allow_inf_nan=False)
    test: float = Field(default=0.0, ge=0, lt=1, allow_inf_nan=False)
    seed: int = Field(default=0, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _something_left(self) -> "SplitRule":
        if self.val + self.test >= 1:
            raise ValueError(f"val {self.val} and test {self.test} leave nothing to train on; make them smaller")
        return self


class DataFile(BaseModel):
    """The keys of data.yaml. Raises: pydantic.ValidationError naming the key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    names: list[str] | dict[Byte, str]  # in order of their numbers, or each with its value in the masks
    classes: dict[str, list[int | str]] | None = None  # merging: class ↦ labels
    ignore: list[Byte | str] = []
    palette: list[Colour] = []  # one for each name; masks may then be of these colours
    masks_hold: Literal["numbers", "colours"] | None = None  # where both could be meant; None: told from each mask
    channels: int | None = Field(default=None, ge=1, le=1024)
    bit_depth: Literal[8, 16, 32] | None = None  # of the images; 32: floating point
    # The pixel value that means white, where it is not the largest of its type: 4095 for 12 bits in files of 16.
    white: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    images: str | None = None  # patterns, from the folder of the file
    masks: str | None = None
    split: SplitRule | None = None
    licence: str | None = None  # of weights trained on it, and whom to name; kept with them

    @field_validator("names", mode="before")
    @classmethod
    def _enough(cls, names: Any) -> Any:
        if isinstance(names, list) and len(names) < 2:
            raise ValueError("List should have at least 2 items")
        return _spelt_out(names)

    @field_validator("classes", "ignore", mode="before")
    @classmethod
    def _lists(cls, given: Any) -> Any:
        """One label may stand without brackets."""
        if isinstance(given, dict):
            return {name: _listed(labels) for name, labels in given.items()}
        return _listed(given) if given is not None else given

    @model_validator(mode="after")
    def _consistent(self) -> "DataFile":
        names = list(self.names.values()) if isinstance(self.names, dict) else self.names
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"names: {', '.join(repeated)} is listed more than once")
        if not all(name.strip() for name in [*names, *(self.classes or {})]):
            raise ValueError("names: one of them is blank; give every class a name")
        if self.palette and len(self.palette) != len(names):
            raise ValueError(f"palette has {len(self.palette)} colours for {len(names)} names")
        if (self.images is None) != (self.masks is None):
            raise ValueError("images and masks go together; write a pattern for both or for none")
        for key, pattern in (("images", self.images), ("masks", self.masks)):
            if pattern is not None and "*" not in pattern:
                raise ValueError(f"{key}: {pattern!r} has no *; write a pattern like photos/{{split}}/*.jpg")
        return self


def _listed(given: Any) -> Any:
    return _spelt_out(given if isinstance(given, list) else [given])


def _spelt_out(given: Any) -> Any:
    """Raises: ValueError for names that YAML takes for something else."""
    for label in given.values() if isinstance(given, dict) else given if isinstance(given, list) else []:
        if label is None or isinstance(label, bool):
            word = {None: "null", True: "yes or true", False: "no or false"}[label]
            raise ValueError(f"YAML reads the word {word} as {label}; put it in quotes")
    return given


class DataDescription(BaseModel):
    """A data set as the rest of the program sees it: classes after merging, with numbers 0 to len(names) - 1.

    root: where it stands on disk.  labels: what the values in the masks mean; by default value i is names[i].
    values: for each class the number that stands for it in masks, those of its data and those that are predicted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    root: Path
    names: list[str] = Field(min_length=2, max_length=254)
    palette: list[Colour] = []
    channels: int | None = None
    bit_depth: Literal[8, 16, 32] | None = None
    white: float | None = None
    images: str | None = None
    masks: str | None = None
    split: SplitRule | None = None
    licence: str | None = None
    labels: LabelTable = None  # type: ignore[assignment]  # filled below
    values: list[Byte] = []

    @model_validator(mode="after")
    def _complete(self) -> "DataDescription":
        if not self.palette:
            object.__setattr__(self, "palette", default_palette(len(self.names)))
        if self.labels is None:
            object.__setattr__(self, "labels", plain_labels(self.names))
        if not self.values:
            object.__setattr__(self, "values", list(range(len(self.names))))
        return self


def describe(root: Path, file: DataFile) -> DataDescription:
    """What the keys of data.yaml mean together. Raises: ValueError saying what does not fit."""
    values = file.names if isinstance(file.names, dict) else dict(enumerate(file.names))
    if max(values, default=0) > IGNORE:
        raise ValueError(f"names: {len(values)} are too many for 8-bit masks; merge some first")
    labels, names, palette, numbers = label_table(values, file.classes, file.ignore, file.palette, file.masks_hold)
    if not 2 <= len(names) <= 254:
        raise ValueError(f"names: {len(names)} classes are left; there must be 2 to 254")
    kept = file.model_dump(include={"channels", "bit_depth", "white", "images", "masks", "licence"})
    return DataDescription(
        root=root, names=names, palette=palette, split=file.split, labels=labels, values=numbers, **kept
    )


def load_description(data: Path) -> DataDescription:
    """Read the data.yaml of a folder, or the file itself.

    Raises: UsageError naming the file and the remedy if it is missing, is no YAML, or says something that does not fit.
    """
    path = data / "data.yaml" if data.is_dir() else data
    if not data.exists():
        raise UsageError(f"{data}: no such folder or file; give a folder with images/, masks/ and data.yaml")
    if not path.is_file():
        raise UsageError(
            f"{path}: not found; write one with `imexseg check --init {data}`, which looks at what is there, "
            "or by hand with a line like `names: [background, object]`"
        )
    content = read_yaml_mapping(path)
    if "root" in content:  # where the data is follows from where the file is
        raise UsageError(f"{path}: unknown key 'root'; remove it; `images:` and `masks:` say where the files are")
    _refuse_other_formats(path, content)
    try:
        return describe(path.parent, DataFile.model_validate(content))
    except ValidationError as error:
        raise UsageError(f"{path}: {explain_validation(error, DataFile)}") from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


def _refuse_other_formats(path: Path, content: dict[str, Any]) -> None:
    """Raises: UsageError naming the converter, for what other programs call by the same names."""
    of_yolo = [key for key in ("train", "val", "test", "path", "nc", "kpt_shape", "download") if key in content]
    if of_yolo:
        keys = ", ".join(f"`{key}:`" for key in of_yolo)
        raise UsageError(
            f"{path}: this is YOLO's data.yaml ({keys}); convert it first: imexseg convert yolo {path.parent} OUT, "
            "or, if it has masks beside it, keep `names:` and remove the others"
        )
    if {"annotations", "categories"} <= content.keys():
        raise UsageError(f"{path}: this is a COCO file; convert it first: imexseg convert coco {path} OUT")
    if "shapes" in content and "imagePath" in content:
        raise UsageError(f"{path}: this is a Labelme file; convert it first: imexseg convert labelme {path.parent} OUT")
