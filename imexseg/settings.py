"""Settings written by people: reading YAML, matching names, and explaining what is wrong."""

import difflib
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from imexseg.errors import UsageError

LARGEST_FILE = 1 << 20  # bytes of YAML
LONGEST_VALUE = 10_000  # characters of one value
DEEPEST = 32  # levels of nesting
LONGEST_SHOWN = 80  # characters of a value in a message

Place = tuple[int | str, ...]


def one_of(what: str, name: str, known: Iterable[str]) -> str:
    """The name itself. Raises: ValueError that tells the nearest known one, if one is near, and all that are known."""
    names = list(known)
    if name not in names:
        raise ValueError(f"unknown {what} {shown(name)}{did_you_mean(name, names)} Known: {', '.join(names)}")
    return name


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """How a message about an unknown name goes on: "; did you mean 'x'?", or "." where none of the known is near."""
    near = difflib.get_close_matches(name[:LONGEST_SHOWN], list(known), n=1, cutoff=0.6)
    return f"; did you mean {prefix + near[0]!r}?" if near else "."


def read_yaml_mapping(path: Path) -> dict:
    """A YAML file that holds key: value pairs. Raises: UsageError if it does not, or cannot be read."""
    content = read_yaml(path)
    if content is None:
        content = {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise UsageError(f"{path}: expected `key: value` lines, found {type(content).__name__}")
    return content


def read_yaml(path: Path) -> Any:
    """Whatever a YAML file of a moderate size holds.

    Refused are aliases (ten lines of them can stand for a billion values), keys that occur twice (one of them would be ignored
    in silence), and depths and lengths that no settings have.
    Raises: UsageError naming the file, the line and the remedy.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise UsageError(f"{path}: has {size} bytes, more than the {LARGEST_FILE} allowed for settings")
        text = path.read_bytes().decode("utf-8-sig")
        _require_plain(text)
        return yaml.load(text, Loader=_Loader)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not text in UTF-8; save it as UTF-8") from None
    except _NotPlain as error:
        raise UsageError(f"{path}: {error}") from None
    except RecursionError:
        raise UsageError(f"{path}: is nested too deeply; write plain `key: value` lines") from None
    except (
        yaml.YAMLError,
        ValueError,
        TypeError,
    ) as error:  # a date like 2026-99-99 is a ValueError, {[1]: 2} a TypeError
        raise UsageError(f"{path}: is not valid YAML ({' '.join(str(error).split())[:300]})") from None


class _NotPlain(Exception):
    """Valid YAML that settings do without."""


_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise _NotPlain(f"line {key_node.start_mark.line + 1}: {shown(key)} appears twice; remove one of them")
            seen.add(key)
        return super().construct_mapping(node, deep)


def _require_plain(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_SafeLoader):
        line = f"line {event.start_mark.line + 1}" if event.start_mark else "somewhere"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _NotPlain(f"{line}: has an anchor or alias (& or *), which is not read here; write the value out")
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > LONGEST_VALUE:
            raise _NotPlain(f"{line}: a value of {len(event.value)} characters; at most {LONGEST_VALUE} are allowed")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _NotPlain(f"{line}: is nested too deeply; write plain `key: value` lines")


def explain_validation(error: ValidationError, model: type[BaseModel]) -> str:
    """Pydantic's errors as one line; an unknown key is answered with the nearest valid one."""
    return "; ".join(text for _, text in explained(error, model))


def explained(error: ValidationError, model: type[BaseModel]) -> list[tuple[tuple[str, ...], str]]:
    """For each thing that is wrong: which top-level settings it comes from, as far as that is known, and what it is."""
    problems = [(_place(problem["loc"]), problem) for problem in error.errors()]
    found = []
    for where, problem in problems:
        if problem["type"] == "tuple_type" and [place for place, _ in problems].count(where) > 1:
            continue  # the other alternative of a union says what is wrong
        of = problem.get("ctx", {}).get("settings") or tuple(str(part) for part in problem["loc"][:1])
        found.append((of, _in_words(where, problem, model)))
    return found


def _in_words(where: str, problem: Any, model: type[BaseModel]) -> str:
    if problem["type"] == "extra_forbidden":
        *parents, key = (str(part) for part in problem["loc"])
        known = _keys_of(model, parents)
        near = did_you_mean(key, known, "".join(f"{parent}." for parent in parents))
        return f"unknown key {shown(where)}" + (
            f"; known: {', '.join(known)}" if near == "." and known else near.rstrip(".")
        )
    if problem["type"] == "missing":
        return f"{shown(where)} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    given = f", got {shown(problem['input'])}" if where and not isinstance(problem["input"], dict) else ""
    return f"{where[:LONGEST_SHOWN]}: {message}{given}" if where else message


def shown(value: Any) -> str:
    """As Python writes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _place(loc: Place) -> str:
    """Without the alternative of a union that was tried, such as list[str] or constrained-float: no concern of the reader."""
    return ".".join(str(part) for part in loc if "[" not in str(part) and not str(part).startswith("constrained-"))


def _keys_of(model: type[BaseModel], parents: list[str]) -> list[str]:
    """The keys that may stand below the parents; none where anything may, or where the place is not known."""
    for parent in parents:
        if parent not in model.model_fields:
            return []
        inner = _models_in(model.model_fields[parent].annotation)
        if len(inner) != 1:
            return []
        model = inner[0]
    return list(model.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that an annotation names, at any depth: X, X | None, list[X], Annotated[X, …]."""
    if (
        isinstance(annotation, type)
        and not isinstance(annotation, types.GenericAlias)
        and issubclass(annotation, BaseModel)
    ):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
