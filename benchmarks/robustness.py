"""Mean IoU against noise and against PGD, one curve for each weights file: a table, and a plot.

    python -m benchmarks.robustness [DATA WEIGHTS ...] [--split test] [--output robustness.png]

WEIGHTS are .safetensors files, run folders or shipped names, all with the classes of DATA. Default: every dynamics with the
operator lean, as `python -m benchmarks.family authors` trained them, all with one budget. What each number is:
`imexseg evaluate WEIGHTS DATA --noise F`, and `--attack pgd --epsilon F`.
"""

import argparse
import sys
from pathlib import Path

from matplotlib.figure import Figure

from imexseg.data.description.data_yaml import load_description
from imexseg.evaluation.evaluate import evaluate
from imexseg.evaluation.robustness import Perturbation
from imexseg.inference.predictor import Predictor
from imexseg.layers.dynamics import DYNAMICS
from imexseg.models.artefact import load
from imexseg.models.weights import find_weights

NOISE = (0.0, 0.02, 0.05, 0.1, 0.2)  # standard deviation, as a fraction of the full scale
EPSILON = (0.0, 0.004, 0.008, 0.016, 0.031, 0.063)  # 0, 1, 2, 4, 8 and 16 of 255
FAMILY = Path("runs/family-authors-4x1024")
DEFAULT = [str(FAMILY / f"{dynamics}-lean-0") for dynamics in DYNAMICS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=FAMILY / "data")
    parser.add_argument("weights", nargs="*", default=DEFAULT, metavar="WEIGHTS")
    parser.add_argument("--split", default="val", choices=["train", "val", "test"])
    parser.add_argument("--attack-steps", type=int, default=10)
    parser.add_argument("--output", type=Path, default=Path("robustness.png"))
    options = parser.parse_args()
    description = load_description(options.data)
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    sweeps = {
        "Gaussian noise": [(s, {"noise": s}) for s in NOISE],
        f"PGD, {options.attack_steps} steps": [
            (s, {"attack": "pgd", "epsilon": s, "attack_steps": options.attack_steps}) for s in EPSILON
        ],
    }
    for axes, (title, settings) in zip(panels, sweeps.items(), strict=True):
        print(f"\n| {title} | " + " | ".join(f"{s:g}" for s, _ in settings) + " |\n|" + "---|" * (len(settings) + 1))
        for name in options.weights:
            predictor = Predictor(load(find_weights(name)))
            label = predictor.info.model
            scores = []
            for _, setting in settings:
                perturb = Perturbation(predictor.info, network=predictor.network, **setting)
                scores.append(evaluate(predictor, description, options.split, perturb=perturb).scores.miou)
            print(f"| `{label}` | " + " | ".join(f"{score:.3f}" for score in scores) + " |", flush=True)
            solved = "imex" in label
            style = {"linestyle": "-" if solved else "--", "marker": "o" if solved else "s", "markersize": 4}
            axes.plot([s for s, _ in settings], scores, label=label, **style)
        axes.set(title=title, xlabel="strength, as a fraction of the full scale", ylim=(0, 1.02))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.6)
    panels[0].set_ylabel(f"mean IoU on {options.split}")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=8)
    figure.savefig(options.output, dpi=130)
    print(f"\n{options.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
