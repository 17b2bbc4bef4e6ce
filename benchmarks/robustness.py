"""Mean IoU against noise and against PGD, for any weights: a table, and a plot.

    python benchmarks/robustness.py DATA [LABEL=WEIGHTS ...] [--split test] [--output robustness.png]

WEIGHTS are a .safetensors file, a run folder or a shipped name; all have to know the classes of DATA. Default: qtips.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from matplotlib.figure import Figure

NOISE = (0.0, 0.02, 0.05, 0.1, 0.2)  # standard deviation, as a fraction of the full scale
EPSILON = (0.0, 0.004, 0.008, 0.016, 0.031, 0.063)  # 0, 1, 2, 4, 8 and 16 of 255


def miou(weights: str, *arguments: object) -> float:
    command = [sys.executable, "-m", "imexseg", "evaluate", weights, *map(str, arguments), "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)["miou"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", nargs="*", default=["qtips=qtips"], metavar="LABEL=WEIGHTS")
    parser.add_argument("--split", default="val", choices=["train", "val", "test"])
    parser.add_argument("--attack-steps", type=int, default=10)
    parser.add_argument("--output", type=Path, default=Path("robustness.png"))
    options = parser.parse_args()
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    sweeps = (
        ("Gaussian noise", NOISE, lambda strength: ("--noise", strength)),
        (
            f"PGD, {options.attack_steps} steps",
            EPSILON,
            lambda strength: ("--attack", "pgd", "--epsilon", strength, "--attack-steps", options.attack_steps),
        ),
    )
    for axes, (title, strengths, arguments) in zip(panels, sweeps, strict=True):
        print(f"\n| {title} | " + " | ".join(f"{s:g}" for s in strengths) + " |\n|" + "---|" * (len(strengths) + 1))
        for pair in options.weights:
            label, _, weights = pair.rpartition("=")
            scores = [miou(weights, options.data, "--split", options.split, *arguments(s)) for s in strengths]
            print(f"| {label or weights} | " + " | ".join(f"{score:.3f}" for score in scores) + " |", flush=True)
            axes.plot(strengths, scores, marker="o", markersize=4, label=label or weights)
        axes.set(title=title, xlabel="strength, as a fraction of the full scale", ylim=(0, 1.02))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.6)
    panels[0].set_ylabel(f"mean IoU on {options.split}")
    panels[1].legend(frameon=False, fontsize=8)
    figure.savefig(options.output, dpi=130)
    print(f"\n{options.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
