"""Every dynamics with every operator on Q-tips (authors 32², pile 64²), one small budget for all, three seeds: mean and spread.

    python -m benchmarks.family authors|pile [--models NAME ...] [--jobs 2] [--epochs N] [--images 1024]

The budget is a fraction of what a network needs to converge, so the table says how fast each one learns, not where it ends.
Runs stay in runs/family-<preset>-<epochs>x<images>/; a finished one is not trained again. --jobs processes run side by side.
"""

import argparse
import statistics
from pathlib import Path

from benchmarks.training_runs import Job, train_all
from imexseg.data_gen import write_dataset
from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.operators import OPERATORS

SIZES, VALIDATION = {"authors": 32, "pile": 64}, 128
EPOCHS = {"authors": 4, "pile": 8}
# Few steps, so that an explicit network does not see a whole bar of `authors`: 30 px of 32, a hamiltonian one 54. That is what
# the solve is for.
NETWORK = {"authors": {"n_steps": 3}, "pile": {"n_steps": 3, "stride": 4}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", choices=["authors", "pile"])
    parser.add_argument(
        "--models", nargs="+", default=[f"{dynamics}-{operator}" for dynamics in DYNAMICS for operator in OPERATORS]
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    epochs = options.epochs or EPOCHS[options.preset]
    folder = Path(f"runs/family-{options.preset}-{epochs}x{options.images}")
    if not (folder / "data").exists():
        write_dataset(
            folder / "data", options.preset, SIZES[options.preset], {"train": options.images, "val": VALIDATION}, seed=0
        )
    jobs = {
        (model, seed): Job(
            folder / f"{model}-{seed}",
            {
                "data": folder / "data",
                "model": model,
                "epochs": epochs,
                "seed": seed,
                "network": NETWORK[options.preset],
            },
        )
        for seed in options.seeds
        for model in options.models
    }
    found = dict(zip(jobs, train_all(list(jobs.values()), options.jobs), strict=True))
    size = SIZES[options.preset]
    print(f"\n{options.preset} at {size}², {options.images} images, {epochs} epochs, seeds {options.seeds}\n")
    print("| network | parameters | validation mIoU | CPU seconds |\n|---|---|---|---|")
    for model in options.models:
        results = [found[model, seed] for seed in options.seeds]
        mious = [result["miou"] for result in results]
        spread = f" ± {statistics.stdev(mious):.3f}" if len(mious) > 1 else ""
        seconds = statistics.mean(result["seconds"] for result in results)
        print(f"| `{model}` | {results[0]['parameters']} | {statistics.mean(mious):.3f}{spread} | {seconds:.0f} |")


if __name__ == "__main__":
    main()
