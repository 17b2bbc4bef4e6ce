"""Which runtime has run which operator: benchmarks/results/operators.csv, made of the networks whose classes were equal.

tests/export/test_operators.py holds every exported network against it.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

import onnx

from benchmarks.runtimes.engines import ENGINES
from benchmarks.runtimes.table import RESULTS, Row
from imexseg.files import write_atomically

OPERATORS = RESULTS.with_name("operators.csv")
EQUAL = 0.999  # of the pixels


def operators(model: onnx.ModelProto) -> set[str]:
    """By name; those of other domains than ONNX's own with their domain."""
    return {f"{node.domain}:{node.op_type}" if node.domain else node.op_type for node in model.graph.node}


def read_operators(path: Path = OPERATORS) -> dict[str, set[str]]:
    """Operator ↦ names of the engines that have run it. {} if there is no file."""
    if not path.is_file():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        return {line["operator"]: set(line["engines"].split()) for line in csv.DictReader(file)}


def write_operators(rows: Iterable[Row], networks: Path, own: set[str], path: Path = OPERATORS) -> None:
    """Adds what the rows have shown. Args: networks: folder of their core files.  own: names of those networks that are ours."""
    found = read_operators(path)
    for row in rows:
        file = networks / f"{row.network}.onnx"
        if row.network in own and row.equal is not None and row.equal >= EQUAL and file.is_file():
            for operator in operators(onnx.load(file)):
                found.setdefault(operator, set()).add(row.engine)
    order = [engine.name for engine in ENGINES]
    lines = [f"{operator},{' '.join(name for name in order if name in found[operator])}" for operator in sorted(found)]
    write_atomically(path, "\n".join(["operator,engines", *lines]) + "\n")
