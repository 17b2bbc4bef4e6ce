"""Problems in a data set, one line each, grouped by kind so that a thousand files with the same mistake take a few lines."""

from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 5  # how many problems of one kind are listed


@dataclass(frozen=True)
class Problem:
    """text: the file, what was found, the remedy. A warning does not keep anyone from training."""

    kind: str
    text: str
    warning: bool = False


def by_kind(problems: Iterable[Problem]) -> dict[str, list[str]]:
    """The texts of each kind, kinds in the order in which they first appear."""
    kinds: dict[str, list[str]] = {}
    for problem in problems:
        kinds.setdefault(problem.kind, []).append(problem.text)
    return kinds


def as_lines(problems: Iterable[Problem]) -> list[str]:
    """The first few of each kind, and how many more there are."""
    lines: list[str] = []
    for kind, texts in by_kind(problems).items():
        lines += texts[:SHOWN]
        if len(texts) > SHOWN:
            lines.append(f"... and {len(texts) - SHOWN} more: {kind}")
    return lines
