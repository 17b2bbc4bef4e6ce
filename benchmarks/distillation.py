"""What a teacher is worth to a small network.

    python -m benchmarks.distillation --data FOLDER       train what is not in benchmarks/results/distillation.csv yet
    python -m benchmarks.distillation table

CCP, ten classes, at 144 × 96 as in the shoot-out or, with --size ccp-small, at 192 × 128 as in docs/photographs.md; the teacher
is weights/people-lite0, which was trained on the same images. The network and its twin without the solve, with and without the
teacher, for the same epochs.
"""

import argparse
import itertools
import statistics
from pathlib import Path
from typing import Any

from benchmarks.photograph_data import FOLDER, prepare
from benchmarks.results_file import FOLDER as RESULTS
from benchmarks.results_file import ResultsFile, commit
from benchmarks.training_runs import Job, train_whole

SIZES = ("ccp-144", "ccp-small")
MODELS = ("imex-residual-lean-photo-tiny", "residual-lean-photo-tiny")
FILE = ResultsFile(
    RESULTS / "distillation.csv",
    ("data", "model", "teacher", "temperature", "weight", "affinity", "epochs", "seed"),
    ("parameters", "val_miou", "test_miou", "test_accuracy", "seconds", "commit"),
)


def measure(key: dict[str, Any], source: Path) -> dict[str, Any]:
    """One row."""
    prepare(key["data"], source)
    folder = Path("runs/distillation") / "-".join(str(value) for value in key.values()).replace(":", "")
    settings = {name: key[name] for name in ("model", "epochs", "seed")} | {"data": FOLDER / key["data"]}
    settings |= {"learning_rate": 1e-2, "weight_decay": 1e-2, "batch_size": 8}
    settings |= {"augmentation": "light", "class_weights": "auto"}
    if key["teacher"]:
        follow = {name: key[name] for name in ("temperature", "weight", "affinity")}
        settings |= {"teacher": [key["teacher"]], "distillation": follow}
    found = train_whole(Job(folder, settings, test=True))
    scores = {"val_miou": found["miou"], "test_miou": found["test_miou"], "test_accuracy": found["test_accuracy"]}
    row = key | {name: f"{value:.5f}" for name, value in scores.items()}
    return row | {"parameters": found["parameters"], "seconds": f"{found['seconds']:.1f}", "commit": commit()}


def table() -> None:
    print(
        "| data | network | teacher | temperature, weight, affinity | epochs | seeds | test mIoU |\n|---|---|---|---|---|---|---|"
    )
    columns = ("data", "model", "teacher", "temperature", "weight", "affinity", "epochs")
    for (data, model, teacher, *follow, epochs), rows in FILE.groups(*columns):
        values = [100 * float(row["test_miou"]) for row in rows]
        spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
        how = ", ".join(follow) if teacher else ""
        print(
            f"| {data} | {model} | {teacher or 'none'} | {how} | {epochs} | {len(rows)} | {statistics.mean(values):.1f}{spread} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", choices=["run", "table"], default="run")
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--size", choices=SIZES, default=SIZES[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--teachers", nargs="+", default=["", "people"], help="weights; an empty text for none")
    parser.add_argument("--temperature", type=float, default=2.0)
    parser.add_argument("--weight", type=float, default=0.5)
    parser.add_argument("--affinity", type=float, default=0.0)
    parser.add_argument("--epochs", nargs="+", type=int, default=[6])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    if options.command == "table":
        table()
        return
    if options.data is None:
        parser.error("--data FOLDER is needed, with ccp/ in it")
    for seed, epochs, teacher, model in itertools.product(
        options.seeds, options.epochs, options.teachers, options.models
    ):
        follow = (options.temperature, options.weight, options.affinity) if teacher else ("", "", "")
        key = dict(zip(FILE.keys, (options.size, model, teacher, *follow, epochs, seed), strict=True))
        if key not in FILE:
            FILE.add(measure(key, options.data))
            print(FILE.rows()[-1], flush=True)


if __name__ == "__main__":
    main()
