"""Which settings each family of networks trains best with, one knob at a time: the tables of docs/recipes.md.

    python -m benchmarks.recipes --data FOLDER       measure what is missing, most valuable rows first; then the tables
    python -m benchmarks.recipes                     the tables of what has been measured

Each row (set, network, settings, seed) is trained once and appended to benchmarks/results/recipes.csv; stopped at any moment,
the same command goes on. FOLDER holds ccp/, facade/, camvid/ and tiles/; small copies are made in runs/recipes/.

Rows that are compared have seen equally many batches. Seconds are of one core (not of the clock on the wall), and would not be
a fair budget on a machine that others use too. Decisions are made on the validation split; the test split is not even copied.
"""

import argparse
import csv
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from benchmarks.real_sets import small_copy
from benchmarks.recipe_questions import AUGMENTATIONS, LONG_SIDE, QUESTIONS, Row
from benchmarks.recipe_tables import print_tables

RESULTS = Path(__file__).parent / "results" / "recipes.csv"
COPIES = Path("runs/recipes")
COLUMNS = (
    *("set", "network", "steps", "seed", "settings"),
    *("val_miou", "last_val_miou", "epochs", "seconds", "commit"),
)


def measured(results: Path) -> list[dict[str, str]]:
    if not results.exists():
        return []
    with open(results, newline="") as file:
        return list(csv.DictReader(file))


def append(results: Path, found: dict[str, Any]) -> None:
    """One line, written at once: a run that is stopped leaves whole lines behind."""
    results.parent.mkdir(parents=True, exist_ok=True)
    fresh = not results.exists()
    with open(results, "a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(found)


def train(row: Row, data: Path) -> dict[str, Any]:
    """Train on one thread. Returns: the row's cells."""
    import torch
    from rich.console import Console

    from imexseg.training.config import RunConfig
    from imexseg.training.fit import fit, look_at_data
    from imexseg.training.run_folder import create_run_folder

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    settings = dict(row.settings)
    settings["augmentation"] = AUGMENTATIONS.get(settings["augmentation"], settings["augmentation"])
    facts = look_at_data(data)
    epochs = max(1, round(row.steps / max(1, len(facts.train.pairs) // settings["batch_size"])))
    fixed = {"data": data, "model": row.network, "seed": row.seed, "epochs": epochs, "accelerator": "cpu"}
    config = RunConfig.model_validate(settings | fixed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        create_run_folder(folder, config)
        started = time.process_time()
        trained = fit(config, folder, facts, Console(quiet=True))
    scores = {"val_miou": trained.best_miou, "last_val_miou": trained.history[-1]["val_miou"]}
    cells = {name: f"{score:.4f}" for name, score in scores.items()}
    return cells | {"epochs": epochs, "seconds": round(time.process_time() - started), "commit": _commit()}


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE.csv")
    options = parser.parse_args()
    asked = [row for question in QUESTIONS if not question.removed for row in question.rows()]
    for row in asked if options.data else ():
        if row.key() in {tuple(found[name] for name in COLUMNS[:5]) for found in measured(options.results)}:
            continue
        data = small_copy(row.set, options.data, COPIES / f"{row.set}-{LONG_SIDE[row.set]}", LONG_SIDE[row.set])
        found = dict(zip(COLUMNS, row.key(), strict=False)) | train(row, data)
        append(options.results, found)
        print(", ".join(str(cell) for cell in found.values()), flush=True)
    print_tables(measured(options.results))


if __name__ == "__main__":
    main()
