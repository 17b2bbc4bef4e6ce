"""benchmarks/results/runtimes.csv, a row for each runtime and network, and the table made of it."""

import csv
from dataclasses import dataclass, fields
from pathlib import Path

from benchmarks.runtimes.engines import ENGINES
from benchmarks.runtimes.networks import NAMES
from imexseg.files import write_atomically

RESULTS = Path(__file__).parents[1] / "results" / "runtimes.csv"


@dataclass(frozen=True)
class Row:
    """As engines.Measured; or, if it has no difference, what the converter said instead."""

    engine: str
    network: str
    difference: float | None = None
    equal: float | None = None
    ms: float | None = None
    memory_kb: int | None = None
    file_bytes: int | None = None
    words: str = ""

    @property
    def ran(self) -> bool:
        return self.difference is not None

    def __str__(self) -> str:
        if not self.ran:
            return f"{self.engine:12} {self.network:17} failed: {self.words}"
        ms = "no time" if self.ms is None else f"{self.ms:8.2f} ms"
        memory = "no memory" if self.memory_kb is None else f"{self.memory_kb / 1000:6.1f} MB"
        return (
            f"{self.engine:12} {self.network:17} difference {self.difference:.1e}  equal {self.equal:.4%}  {ms}  {memory}  "
            f"file {(self.file_bytes or 0) / 1000:8.0f} kB"
        )


_KINDS = {"difference": float, "equal": float, "ms": float, "memory_kb": int, "file_bytes": int}


def read_rows(path: Path = RESULTS) -> list[Row]:
    """[] if there is no file yet."""
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [
            Row(
                **{
                    key: (_KINDS[key](value) if value else None) if key in _KINDS else value
                    for key, value in line.items()
                }
            )
            for line in csv.DictReader(file)
        ]


def write_rows(rows: list[Row], path: Path = RESULTS) -> None:
    """Of several rows of one runtime and network the last stays; in the order of the tables."""
    latest = {(row.engine, row.network): row for row in rows}
    engines = [engine.name for engine in ENGINES]
    places = {network: place for place, network in enumerate(dict.fromkeys([*NAMES, *(row.network for row in rows)]))}
    ordered = sorted(latest.values(), key=lambda row: (places[row.network], engines.index(row.engine)))
    columns = [field.name for field in fields(Row)]
    lines = [",".join(columns)]
    for row in ordered:
        lines.append(",".join(_cell(getattr(row, column)) for column in columns))
    write_atomically(path, "\n".join(lines) + "\n")


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if any(mark in text for mark in ',"\n') else text
