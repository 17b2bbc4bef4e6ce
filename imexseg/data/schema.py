"""data.yaml: what a dataset says of itself."""

import colorsys
import difflib
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from imexseg.errors import UsageError

SPLITS = ("train", "val", "test")
IGNORE = 255  # mask value of pixels that are neither trained on nor counted

Byte = Annotated[int, Field(ge=0, le=255)]
Colour = tuple[Byte, Byte, Byte]


def default_palette(n: int) -> list[Colour]:
    """n colours: dark for class 0, then hues a golden angle apart, so that neighbours differ."""
    hues = ((0.13 + i * 0.618034) % 1.0 for i in range(n - 1))
    rgb = [colorsys.hsv_to_rgb(hue, 0.65 + 0.2 * (i % 2), 0.95 - 0.25 * (i % 3) / 2) for i, hue in enumerate(hues)]
    return [(40, 42, 54)] + [(round(255 * r), round(255 * g), round(255 * b)) for r, g, b in rgb]


class DataDescription(BaseModel):
    """Class names in order of their numbers, display colours, channels of the images. Where it stands on disk: root."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path
    names: list[str] = Field(min_length=2, max_length=254)
    palette: list[Colour] = []
    channels: int | None = Field(default=None, ge=1, le=1024)

    @model_validator(mode="after")
    def _consistent(self) -> "DataDescription":
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            raise ValueError(f"names: {', '.join(repeated)} stands there more than once")
        if not all(name.strip() for name in self.names):
            raise ValueError("names: one of them is blank; give every class a name")
        if not self.palette:
            object.__setattr__(self, "palette", default_palette(len(self.names)))
        if len(self.palette) != len(self.names):
            raise ValueError(f"palette has {len(self.palette)} colours for {len(self.names)} names")
        return self


def load_description(data: Path) -> DataDescription:
    """Read the data.yaml of a folder, or the file itself.

    Raises: UsageError naming the file and the remedy if it is missing, is no YAML, or says something that does not fit.
    """
    path = data / "data.yaml" if data.is_dir() else data
    if not data.exists():
        raise UsageError(f"{data}: no such folder or file; give a folder with images/, masks/ and data.yaml")
    if not path.is_file():
        raise UsageError(f"{path}: not found; write one with a line like `names: [background, object]`")
    content = read_yaml_mapping(path)
    if "root" in content:  # where the data is follows from where the file is
        raise UsageError(f"{path}: unknown key 'root'; remove it, images/ and masks/ stand beside the file")
    try:
        return DataDescription(root=path.parent, **content)
    except ValidationError as error:
        raise UsageError(f"{path}: {explain_validation(error, DataDescription)}") from None


def read_yaml_mapping(path: Path) -> dict:
    """A YAML file that holds key: value pairs. Raises: UsageError if it does not, or cannot be read."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from None
    except RecursionError:
        raise UsageError(f"{path}: is nested too deeply; write plain `key: value` lines") from None
    except (yaml.YAMLError, ValueError) as error:  # a date like 2026-99-99 is a ValueError, and so is what is no UTF-8
        raise UsageError(f"{path}: is not valid YAML ({' '.join(str(error).split())})") from None
    if content is None:
        content = {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise UsageError(f"{path}: expected `key: value` lines, found {type(content).__name__}")
    return content


def explain_validation(error: ValidationError, model: type[BaseModel]) -> str:
    """Pydantic's errors as one line; an unknown key is answered with the nearest valid one."""
    parts = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            *parents, key = (str(part) for part in problem["loc"])
            near = difflib.get_close_matches(key, _keys_of(model, parents), n=1, cutoff=0.0)
            parts.append(f"unknown key {where!r}; did you mean {'.'.join([*parents, *near])!r}?")
        elif problem["type"] == "missing":
            parts.append(f"{where!r} is missing")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            given = f", got {problem['input']!r}" if where and not isinstance(problem["input"], dict) else ""
            parts.append(f"{where}: {message}{given}" if where else message)
    return "; ".join(parts)


def _keys_of(model: type[BaseModel], parents: list[str]) -> list[str]:
    """The keys that a settings file may have below the parents."""
    for parent in parents:
        inner = model.model_fields[parent].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return [name for name in model.model_fields if not (model is DataDescription and name == "root")]
