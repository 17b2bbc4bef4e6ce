"""imexseg models: list every registered network."""

import argparse
import json
import sys
from dataclasses import asdict

from imexseg.cli.console import messages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON list")


def run(options: argparse.Namespace) -> int:
    from imexseg.models.registry import DEFAULT_MODEL, NETWORKS, summarise

    summaries = [summarise(name) for name in NETWORKS]
    if options.json:
        rows = [asdict(s) | {"field_of_view": s.field_of_view or "whole image"} for s in summaries]
        json.dump(rows, sys.stdout, indent=2, ensure_ascii=False)
        print()
        return 0
    titles = ("name", "parameters", "field of view", "operator", "width", "steps", "stride", "boundary", "equation")
    table = [titles] + [
        (
            s.name,
            str(s.parameters),
            s.field_of_view_in_words,
            s.operator,
            str(s.width),
            str(s.steps),
            str(s.stride),
            s.boundary,
            s.equation,
        )
        for s in summaries
    ]
    widths = [max(len(row[column]) for row in table) for column in range(len(titles))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    messages.print(f"\nParameters for grey images and four classes. The default is {DEFAULT_MODEL}.")
    return 0
