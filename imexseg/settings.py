"""Settings from people: YAML files, names out of a list, and what is wrong with them in words."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import yaml
from pydantic import BaseModel, ValidationError

from imexseg.errors import UsageError


def one_of(what: str, name: str, known: Iterable[str]) -> str:
    """The name itself. Raises: ValueError that tells the nearest known one."""
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        advice = f"; did you mean {near[0]!r}? Known" if near else "; known"
        raise ValueError(f"unknown {what} {name!r}{advice}: {', '.join(names)}")
    return name


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
    problems = [(_place(problem["loc"]), problem) for problem in error.errors()]
    for where, problem in problems:
        if problem["type"] == "tuple_type" and [place for place, _ in problems].count(where) > 1:
            continue  # the other alternative of a union says what is wrong
        if problem["type"] == "extra_forbidden":
            *parents, key = (str(part) for part in problem["loc"])
            known = _keys_of(model, parents)
            near = difflib.get_close_matches(key, known, n=1)
            advice = f"did you mean {'.'.join([*parents, *near])!r}?" if near else f"known: {', '.join(known)}"
            parts.append(f"unknown key {where!r}; {advice}")
        elif problem["type"] == "missing":
            parts.append(f"{where!r} is missing")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            given = f", got {problem['input']!r}" if where and not isinstance(problem["input"], dict) else ""
            parts.append(f"{where}: {message}{given}" if where else message)
    return "; ".join(parts)


def _place(loc: tuple[int | str, ...]) -> str:
    """Without the alternative of a union that was tried, such as list[str] or constrained-float: no concern of the reader."""
    return ".".join(str(part) for part in loc if "[" not in str(part) and not str(part).startswith("constrained-"))


def _keys_of(model: type[BaseModel], parents: list[str]) -> list[str]:
    """The keys that a settings file may have below the parents."""
    for parent in parents:
        annotation = model.model_fields[parent].annotation
        inner = [a for a in (annotation, *get_args(annotation)) if isinstance(a, type) and issubclass(a, BaseModel)]
        if not inner:
            return []
        model = inner[0]
    return list(model.model_fields)
