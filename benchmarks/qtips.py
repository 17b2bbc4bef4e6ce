"""The Q-tips figures of the README: every network trained by the command line, with one budget.

    python benchmarks/qtips.py authors [--models NAME ...] [--seeds 0 1 2]
    python benchmarks/qtips.py pile

Runs stay in runs/benchmark-<preset>/; a finished one is not trained again, only evaluated.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

# Both with the default data sizes: 1024 training images. `val` is larger than the authors' 64 to measure more finely.
BUDGETS = {"authors": ("--epochs", "12"), "pile": ("--epochs", "30", "--learning-rate", "0.03")}
MODELS = {
    "authors": ["imex-lean", "parabolic-lean", "imex-residual-lean", "residual-lean", "imex-diffusive-lean"],
    "pile": ["imex-residual-lean-pile", "residual-lean-pile", "imex-residual-lean-pile-l"],
}


def imexseg(*arguments: object) -> str:
    """Run one command; its messages go to the terminal. Returns: what it printed."""
    command = [sys.executable, "-m", "imexseg", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def seconds_of_training(run: Path) -> float:
    rows = (run / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("seconds")
    return sum(float(row.split(",")[column]) for row in rows[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", choices=list(BUDGETS))
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    folder = Path(f"runs/benchmark-{options.preset}")
    data = folder / "data"
    if not data.exists():
        imexseg("generate", "qtips", data, "--preset", options.preset, "--val", 256, "--test", 256)
    rows = []
    for model in options.models or MODELS[options.preset]:
        scores, seconds = [], []
        for seed in options.seeds:
            run = folder / f"{model}-{seed}"
            if not (run / "report.html").exists():
                imexseg("train", data, "--model", model, "--seed", seed, "--output", run, *BUDGETS[options.preset])
            scores.append(json.loads(imexseg("evaluate", run, data, "--json")))
            seconds.append(seconds_of_training(run))
        mious = [score["miou"] for score in scores]
        spread = f" ± {statistics.stdev(mious):.4f}" if len(mious) > 1 else ""
        miou = f"{statistics.mean(mious):.4f}{spread}"
        rows.append(f"| `{model}` | {scores[0]['parameters']} | {miou} | {statistics.mean(seconds):.0f} |")
    print(f"\n{options.preset}, {' '.join(BUDGETS[options.preset])}, 256 validation images, seeds {options.seeds}\n")
    print("| network | parameters | validation mIoU | seconds |\n|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
