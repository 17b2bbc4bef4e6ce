"""Measured rows that are kept: a CSV file to which rows are added and of which none is ever written twice."""

import csv
import io
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imexseg.files import write_atomically

FOLDER = Path(__file__).parent / "results"


class ResultsFile:
    """Rows by key. Args: keys, values: names of the columns; the keys of a row tell it from every other."""

    def __init__(self, path: Path, keys: tuple[str, ...], values: tuple[str, ...]):
        self.path, self.keys, self.columns = path, keys, (*keys, *values)

    def rows(self) -> list[dict[str, str]]:
        """In the order in which they were measured. Raises: ValueError if the file has other columns."""
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != self.columns:
                raise ValueError(f"{self.path}: has columns {reader.fieldnames}, expected {list(self.columns)}")
            return list(reader)

    def __contains__(self, row: Mapping[str, Any]) -> bool:
        return any(self._key(known) == self._key(row) for known in self.rows())

    def add(self, row: Mapping[str, Any]) -> None:
        """Raises: ValueError if a row of that key is there already, or if a column is missing or unknown."""
        if set(row) != set(self.columns):
            raise ValueError(f"{self.path}: a row has columns {sorted(row)}, expected {sorted(self.columns)}")
        if row in self:
            raise ValueError(f"{self.path}: has a row {self._key(row)} already; no row is measured twice")
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*self.rows(), row])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, text.getvalue())

    def _key(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(row[key]) for key in self.keys)

    def groups(self, *by: str) -> Iterator[tuple[tuple[str, ...], list[dict[str, str]]]]:
        """Rows that agree in some columns, in the order of the first of each."""
        found: dict[tuple[str, ...], list[dict[str, str]]] = {}
        for row in self.rows():
            found.setdefault(tuple(row[name] for name in by), []).append(row)
        yield from found.items()


def commit() -> str:
    """Of the working tree, with -dirty behind it if something in it is not committed; results excepted, which come of the run."""
    here = Path(__file__).parent
    head = subprocess.run(
        ["git", "-C", here, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
    )
    changed = ["git", "-C", here, "status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/benchmarks/results"]
    dirty = subprocess.run(changed, capture_output=True, text=True, check=True).stdout.strip()
    return head.stdout.strip() + ("-dirty" if dirty else "")
