"""Every dynamics with every operator on Q-tips (authors 32², pile 64²), one small budget for all, three seeds: mean and spread.

    python benchmarks/family.py authors|pile [--models NAME ...] [--jobs 2] [--epochs 4] [--images 1024]

The budget is a fraction of what a network needs to converge, so the table says how fast each one learns, not where it ends.
Runs stay in runs/family-<preset>-<epochs>x<images>/; a finished one is not trained again. --jobs processes run side by side.
"""

import argparse
import json
import multiprocessing
import statistics
import time
import warnings
from pathlib import Path

from rich.console import Console

from data_gen import write_dataset
from imexseg.models.artefact import load
from imexseg.models.facts import count_parameters
from imexseg.models.registry import ONE_SCALE
from imexseg.training.config import RunConfig
from imexseg.training.fit import fit, look_at_data
from imexseg.training.run_folder import create_run_folder

SIZES, VALIDATION = {"authors": 32, "pile": 64}, 128


def train(job: tuple[str, int, Path, int]) -> None:
    """One run, in a process of its own pool. Args: job: model, seed, folder, epochs."""
    import torch

    model, seed, folder, epochs = job
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    run = folder / f"{model}-{seed}"
    if (run / "result.json").exists():
        return
    config = RunConfig(data=folder / "data", model=model, epochs=epochs, seed=seed)
    create_run_folder(run, config)
    started = time.process_time()  # not the clock on the wall: other processes do not count
    done = fit(config, run, look_at_data(folder / "data"), Console(quiet=True))
    parameters = count_parameters(load(run / "best.safetensors"))
    result = {"miou": done.best_miou, "seconds": time.process_time() - started, "parameters": parameters}
    (run / "result.json").write_text(json.dumps(result))
    print(f"{model} seed {seed}: {done.best_miou:.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", choices=["authors", "pile"])
    parser.add_argument("--models", nargs="+", default=list(ONE_SCALE))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    folder = Path(f"runs/family-{options.preset}-{options.epochs}x{options.images}")
    if not (folder / "data").exists():
        write_dataset(
            folder / "data", options.preset, SIZES[options.preset], {"train": options.images, "val": VALIDATION}, seed=0
        )
    jobs = [(model, seed, folder, options.epochs) for seed in options.seeds for model in options.models]
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for _ in pool.imap_unordered(train, jobs):
            pass
    size = SIZES[options.preset]
    print(f"\n{options.preset} at {size}², {options.images} images, {options.epochs} epochs, seeds {options.seeds}\n")
    print("| network | parameters | validation mIoU | CPU seconds |\n|---|---|---|---|")
    for model in options.models:
        results = [json.loads((folder / f"{model}-{seed}" / "result.json").read_text()) for seed in options.seeds]
        mious = [result["miou"] for result in results]
        spread = f" ± {statistics.stdev(mious):.3f}" if len(mious) > 1 else ""
        seconds = statistics.mean(result["seconds"] for result in results)
        print(f"| `{model}` | {results[0]['parameters']} | {statistics.mean(mious):.3f}{spread} | {seconds:.0f} |")


if __name__ == "__main__":
    main()
