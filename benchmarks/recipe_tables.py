"""Tables of benchmarks/recipes.py: for each question the validation mIoU of every value, and what it gains over the base."""

import statistics
from dataclasses import replace

from benchmarks.recipe_questions import QUESTIONS, Question


def print_tables(measured: list[dict[str, str]]) -> None:
    found = {
        (row["set"], row["network"], row["steps"], row["seed"], row["settings"]): float(row["val_miou"])
        for row in measured
    }
    for question in _merged():
        lines = _lines(question, found)
        if lines:
            length = f", {question.times} times as long" if question.times > 1 else ""
            print(f"\n### `{question.network}`: {question.knob}{length}\n")
            print("\n".join(lines))


def _merged() -> list[Question]:
    """One question for each knob, network and length, with all values and seeds that are asked for anywhere."""
    merged: dict[tuple[str, str, int], Question] = {}
    for asked in QUESTIONS:
        before = merged.get((asked.network, asked.knob, asked.times), asked)
        values = tuple(dict.fromkeys((*before.values, *asked.values)))
        seeds = tuple(sorted({*before.seeds, *asked.seeds}))
        merged[asked.network, asked.knob, asked.times] = replace(before, values=values, seeds=seeds)
    return list(merged.values())


def _lines(question: Question, found: dict[tuple[str, ...], float]) -> list[str]:
    scores: dict[object, dict[tuple[str, int], float]] = {}
    for value in dict.fromkeys((question.base, *question.values)):
        rows = replace(question, values=(value,)).rows()
        scores[value] = {(row.set, row.seed): 100 * found[row.key()] for row in rows if row.key() in found}
    scores = {value: own for value, own in scores.items() if own}
    if len(scores) < 2 or question.base not in scores:
        return []
    lines = [
        f"| {question.knob} | {' | '.join(question.sets)} | gain | rows |",
        "|---|" + "---|" * (len(question.sets) + 2),
    ]
    for value, own in scores.items():
        cells = []
        for name in question.sets:
            of_set = [score for (of, _), score in own.items() if of == name]
            cells.append(f"{statistics.mean(of_set):.1f}" if of_set else "")
        pairs = [score - scores[question.base][place] for place, score in own.items() if place in scores[question.base]]
        gain = "base" if value == question.base else _mean(pairs)
        lines.append(f"| {'none' if value is None else value} | {' | '.join(cells)} | {gain} | {len(own)} |")
    return lines


def _mean(gains: list[float]) -> str:
    """With the standard error over sets and seeds."""
    if len(gains) < 2:
        return f"{gains[0]:+.1f}" if gains else ""
    return f"{statistics.mean(gains):+.1f} ± {statistics.stdev(gains) / len(gains) ** 0.5:.1f}"
