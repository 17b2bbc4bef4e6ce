"""Lists of colours and names as people keep them: `128 64 128 road`, `#804080 road`, CVAT's `road:128,64,128::`.

Lines are cut into fields; a line of titles says what each column is, else the columns must say it by themselves.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from imexseg.data.description.palette import Colour
from imexseg.errors import UsageError
from imexseg.text import read_text

LISTS = (
    "class_dict.csv",
    "labelmap.txt",
    "label_colors.txt",
    "colours.txt",
    "colors.txt",
    "classes.csv",
    "classes.txt",
)
LARGEST_LIST = 1 << 20  # bytes

_CVAT = re.compile(r"(.+?)\s*:\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*(:.*)?")
_WHOLE = re.compile(r"(\d{1,9})(\.0+)?")
_NUMBER_LIKE = re.compile(r"[-+]?\d*\.?\d+")
_HEX = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_IN_ONE_FIELD = re.compile(r"(?:rgb)?[\[(]?\s*(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})\s*[\])]?")
_RGB = (("r", "red"), ("g", "green"), ("b", "blue"))
_COLOUR = ("rgb", "color", "colour", "color_rgb", "colour_rgb", "hex")
_NAME = ("name", "names", "class_name", "classname", "label_name", "class", "label", "category", "object")
_NUMBER = ("id", "index", "idx", "number", "value", "class_id", "classid", "label_id", "labelid", "class", "label")
Table = list[list[str]]  # fields of each line


@dataclass(frozen=True)
class ClassColour:
    """number: that the list gives the class, if it has a column for it."""

    name: str
    colour: Colour
    number: int | None = None


@dataclass(frozen=True)
class Columns:
    """Which fields mean what. start: the first line that is no title."""

    start: int
    name: int
    colour: tuple[int, ...]
    number: int | None
    unused: list[str]


def read_colour_list(path: Path) -> dict[str, Colour]:
    """Name ↦ colour, in the order of the file. Raises: as read_class_colours."""
    return {row.name: row.colour for row in read_class_colours(path)}


def read_class_colours(path: Path, remark: Callable[[str], None] = lambda line: None) -> list[ClassColour]:
    """In the order of the file; empty lines and `#` comments are passed over.

    Args: remark: is told which columns were not used.
    Raises: UsageError naming the file and the line.
    """
    numbered = [(n, line.strip()) for n, line in enumerate(read_text(path, LARGEST_LIST).splitlines(), start=1)]
    numbered = [(n, line) for n, line in numbered if line and (not line.startswith("#") or _HEX.match(line))]
    lines = [line for _, line in numbered]
    if lines and lines[0][0] in "{[<":
        raise UsageError(f"{path}: is JSON or XML, not a list of colours; give lines like `128 64 128 road`")
    for table in _tables(lines):
        try:
            columns = _with_titles(table) or _without_titles(table)
        except ValueError as error:
            raise UsageError(f"{path}: {error}") from None
        if columns:
            break
    else:
        number, line = next((row for row in numbered[1:] if _triple(row[1]) is None), (1, lines[0] if lines else ""))
        raise UsageError(f"{path}: line {number} is not a name with three numbers from 0 to 255: {line[:80]!r}")
    found: dict[str, ClassColour] = {}
    for (number, line), fields in zip(numbered[columns.start :], table[columns.start :], strict=True):
        row = _class(fields, columns)
        if row is None:
            raise UsageError(f"{path}: line {number} is not three numbers from 0 to 255 with a name: {line[:80]!r}")
        if row.name in found:
            raise UsageError(f"{path}: line {number}: {row.name!r} is listed twice; keep one")
        found[row.name] = row
    if len(found) < 2:
        raise UsageError(f"{path}: has {len(found)} colours; give at least two lines like `128 64 128 road`")
    if columns.unused:
        remark(f"{path.name}: columns that are not used: {', '.join(columns.unused)}")
    return list(found.values())


def _tables(lines: list[str]) -> Iterator[Table]:
    """The ways in which the lines may be cut, the likeliest first; colours within one field are spread over three."""
    if lines and all(_CVAT.fullmatch(line) for line in lines):
        yield [list(match.group(1, 2, 3, 4)) for line in lines if (match := _CVAT.fullmatch(line))]
        return
    for delimiter in "\t;,":
        if lines and all(delimiter in line for line in lines):
            yield [_spread(fields) for fields in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)]
    words = [_spread(re.split(r"[\s,;]+", line)) for line in lines]
    front = min((_n_leading(fields) for fields in words if any(map(_whole, fields))), default=0)
    back = min((_n_leading(fields[::-1]) for fields in words if any(map(_whole, fields))), default=0)
    if front >= 3:  # all else of a line is the name, which may have spaces and numbers in it
        yield [[*fields[:front], " ".join(fields[front:])] for fields in words]
    elif back >= 3:
        numbers = 3 if _counts([fields[-back:] for fields in words if any(map(_whole, fields))], 0) else back
        yield [[" ".join(fields[:-numbers]), *fields[-numbers:]] for fields in words]


def _spread(fields: list[str]) -> list[str]:
    plain = [field.strip().strip("'\"").strip() for field in fields]
    return [part for field in plain for part in _triple(field) or _titles_of(field)]


def _triple(field: str) -> list[str] | None:
    """A colour that stands in one field: (128, 64, 128) or #804080."""
    match = _HEX.fullmatch(field)
    if match:
        return [str(int(pair, 16)) for pair in match.groups()]
    match = _IN_ONE_FIELD.fullmatch(field)
    return list(match.groups()) if match else None


def _titles_of(field: str) -> list[str]:
    return ["r", "g", "b"] if field.lower() in _COLOUR else [field]


def _whole(field: str) -> str | None:
    match = _WHOLE.fullmatch(field)
    return match[1] if match else None


def _n_leading(fields: list[str]) -> int:
    return next((i for i, field in enumerate(fields) if _whole(field) is None), len(fields))


def _with_titles(table: Table) -> Columns | None:
    titles = [re.sub(r"[\s-]+", "_", field.lower()) for field in table[0]]
    colour = [next((titles.index(word) for word in words if word in titles), None) for words in _RGB]
    if None in colour or any(map(_whole, titles)):
        return None
    rows = table[1:]
    names = [titles.index(word) for word in _NAME if word in titles]
    names = [i for i in names if not all(i < len(row) and _whole(row[i]) for row in rows)] or names[:1]
    if not names:
        raise ValueError("line 1 has titles, but none for the names; add `name`")
    numbers = [titles.index(word) for word in _NUMBER if word in titles and titles.index(word) != names[0]]
    number = next((i for i in numbers if _all_different(rows, i)), None)
    used = {names[0], number, *colour}
    unused = [title for i, title in enumerate(titles) if i not in used and title]
    return Columns(1, names[0], tuple(i for i in colour if i is not None), number, unused)


def _all_different(rows: Table, column: int) -> bool:
    values = [_whole(row[column]) for row in rows if column < len(row)]
    return None not in values and len(set(values)) == len(rows)


def _without_titles(table: Table) -> Columns | None:
    """Three columns of numbers side by side; a fourth must count the lines. A first line without numbers is one of titles."""
    start = 0 if table and any(_NUMBER_LIKE.fullmatch(field) for field in table[0]) else 1
    rows = table[start:]
    width = min(map(len, rows), default=0)
    numbers = [i for i in range(width) if all(_whole(row[i]) for row in rows)]
    names = [i for i in range(width) if i not in numbers and all(row[i] for row in rows)]
    runs = [run for run in _side_by_side(numbers) if len(run) > 2]
    if not runs or not names:
        return None
    colour = runs[0]
    if len(colour) == 4 and _counts(rows, colour[0]) != _counts(rows, colour[3]):
        colour = colour[1:] if _counts(rows, colour[0]) else colour[:3]
    if len(runs) > 1 or len(colour) != 3:
        raise ValueError(
            f"has {sum(map(len, runs))} columns of numbers, and a colour is three; say which with a first line like "
            "`name,r,g,b,id`"
        )
    number = next((i for i in numbers if i not in colour and _counts(rows, i)), None)
    unused = [f"column {i + 1}" for i in range(width) if i not in (*colour, names[0], number)]
    return Columns(start, names[0], tuple(colour), number, unused)


def _side_by_side(columns: list[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for i in columns:
        if runs and i == runs[-1][-1] + 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs


def _counts(rows: Table, column: int) -> bool:
    """Whether it counts the lines, from 0 or 1."""
    values = [_whole(row[column]) for row in rows]
    return any(values == [str(i) for i in range(first, first + len(rows))] for first in (0, 1))


def _class(fields: list[str], columns: Columns) -> ClassColour | None:
    """None if something is missing or beyond 255."""
    wanted = [*columns.colour, *([columns.number] if columns.number is not None else [])]
    if max(*wanted, columns.name) >= len(fields) or not fields[columns.name]:
        return None
    values = [int(_whole(fields[i]) or 256) for i in wanted]
    if max(values) > 255:
        return None
    return ClassColour(fields[columns.name], (values[0], values[1], values[2]), values[3] if len(values) > 3 else None)
