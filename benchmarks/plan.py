"""What planning is worth: `imexseg train DATA --budget B` beside peers at equal seconds, on five real sets.

    python -m benchmarks.plan --data FOLDER                       measure what is missing, then print the tables
    python -m benchmarks.plan --data FOLDER --budget 2m --sets facade --groups plan before
    python -m benchmarks.plan                                     the tables of what has been measured
    python -m benchmarks.plan candidates                          weights, bytes, milliseconds, cost: for imexseg/plan/rules.py
    python -m benchmarks.plan spread --data FOLDER                how far a score on few validation images may be off

FOLDER holds camvid/, ccp/, facade/, tiles/ and vessels/. Each row is typed as a user would, in a process of its own, and is
appended to benchmarks/results/plan.csv once it is finished: stopped at any moment, the same command goes on. Learning rates of
peers are chosen on validation; every network sees the test split once, at the end.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.plan_rows import BEFORE, GROUPS, PLAN, PRETRAINED_PEERS, SCRATCH_PEERS, SMALL_PLAN, Row, best_of
from benchmarks.plan_sources import DATA, candidates, spread
from benchmarks.real_sets import NAMES, as_it_is
from imexseg.units import in_time, seconds

RESULTS = Path(__file__).parent / "results" / "plan.csv"
COLUMNS = (
    *("set", "row", "budget", "seed"),
    *("val_miou", "test_miou", "epochs", "parameters", "seconds", "predicted", "model", "long_side", "bytes", "ms"),
    *("ms_again", "commit"),
)


def typed(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imexseg", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done


def measure(name: str, row: Row, data: Path, budget: str, seed: int, like: dict[str, Any] | None) -> dict[str, Any]:
    """Train, evaluate, export. Args: like: config.yaml of the row `plan`, for rows that see the same images."""
    settings = dict(row.settings)
    if row.like_plan and like is not None:
        settings |= {key: like[key] for key in ("long_side", "crop", "augmentation", "cpu_threads")}
    with tempfile.TemporaryDirectory() as scratch:
        run, file = Path(scratch) / "run", Path(scratch) / "settings.yaml"
        file.write_text(yaml.safe_dump(settings))
        config_flags = ["--config", file] if settings else []
        started = time.monotonic()
        typed("train", data, "--budget", budget, "--seed", seed, *config_flags, *row.flags, "--output", run)
        took = time.monotonic() - started
        scores = {
            split: json.loads(typed("evaluate", run, data, "--split", split, "--json").stdout)
            for split in ("val", "test")
        }
        config = yaml.safe_load((run / "config.yaml").read_text())
        with open(run / "metrics.csv", newline="") as metrics:
            epochs = len(list(csv.DictReader(metrics)))
        expected = (config["plan"] or {}).get("expected", {})
        exported = _exported(run, expected) if row.flags else {}
        if row is PLAN:
            keep = DATA.parent / f"{name}-{budget}-{seed}.yaml"
            keep.write_text(yaml.safe_dump(config))
    return {
        "set": name,
        "row": row.name,
        "budget": budget,
        "seed": seed,
        "val_miou": f"{scores['val']['miou']:.4f}",
        "test_miou": f"{scores['test']['miou']:.4f}",
        "epochs": epochs,
        "parameters": scores["val"]["parameters"],
        "seconds": f"{took:.0f}",
        "predicted": f"{expected['seconds']:.0f}" if "seconds" in expected else "",
        "model": config["model"],
        "long_side": config["long_side"] or "",
        "bytes": "",
        "ms": f"{expected['ms']:.1f}" if "ms" in expected else "",
        "ms_again": "",
        "commit": _commit(),
    } | exported


def _exported(run: Path, expected: dict[str, Any]) -> dict[str, Any]:
    """Bytes and milliseconds of the file that a user would export, measured again."""
    import numpy as np

    from imexseg.export.verify import session
    from imexseg.plan.device import milliseconds

    path = run.parent / "exported.onnx"
    height, width = expected["image_size"]
    size = ("--size", height, width)
    typed("export", run, "--output", path, "--precision", expected["export_precision"], *size)
    file = session(path, expected["threads"])
    given = file.get_inputs()[0]
    dtype = {"tensor(uint8)": np.uint8, "tensor(uint16)": np.uint16}.get(given.type, np.float32)
    image = np.random.default_rng(0).integers(0, 255, (1, height, width, given.shape[-1])).astype(dtype)
    again = milliseconds(lambda: file.run(["classes"], {"image": image}))
    return {"bytes": path.stat().st_size, "ms_again": f"{again:.1f}"}


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def measured(results: Path) -> list[dict[str, str]]:
    if not results.exists():
        return []
    with open(results, newline="") as file:
        return list(csv.DictReader(file))


def append(results: Path, found: dict[str, Any]) -> None:
    results.parent.mkdir(parents=True, exist_ok=True)
    fresh = not results.exists()
    with open(results, "a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(found)


def print_tables(rows: list[dict[str, str]], budget: str) -> None:
    """Test mIoU in percent, and what was promised beside what was kept."""
    of_set: dict[str, dict[str, dict[str, str]]] = {}
    for found in rows:
        if found["budget"] == budget:
            of_set.setdefault(found["set"], {})[found["row"]] = found
    print(f"\nTest mIoU, budget {budget}\n")
    heads = [
        "plan",
        "its network",
        "before",
        "best U-Net, lite0",
        "best DeepLabV3+, lite0",
        SMALL_PLAN.name,
        "best from scratch",
    ]
    print(f"| set | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 1)}")
    table: list[list[float | None]] = []
    for name, found in of_set.items():
        groups = [
            [PLAN.name],
            [BEFORE.name],
            [row.name for row in PRETRAINED_PEERS if row.name.startswith("U-Net")],
            [row.name for row in PRETRAINED_PEERS if row.name.startswith("DeepLab")],
            [SMALL_PLAN.name],
            [row.name for row in SCRATCH_PEERS],
        ]
        best = [best_of(group, found, lambda row: float(row["val_miou"])) for group in groups]
        cells = [None if one is None else 100 * float(found[one]["test_miou"]) for one in best]
        table.append(cells)
        plan = found.get(PLAN.name)
        of_it = f"{plan['model']}, {plan['long_side'] or 'own size'}, {plan['epochs']} epochs" if plan else ""
        said = [_cell(cells[0]), of_it, *map(_cell, cells[1:])]
        print(f"| {name} | {' | '.join(said)} |")
    if len(table) > 1:
        means = [_mean([row[column] for row in table]) for column in range(len(table[0]))]
        print(f"| mean | {_cell(means[0])} | | {' | '.join(map(_cell, means[1:]))} |")
    print("\n| set | row | seconds predicted, real | file | ms in the plan, of the export | test mIoU |")
    print("|---|---|---|---|---|---|")
    for name, found in of_set.items():
        for row in found.values():
            if row["predicted"]:
                size = f"{int(row['bytes']) / 1000:.0f} kB" if row["bytes"] else ""
                both = f"{row['ms']}, {row['ms_again']}" if row["ms_again"] else ""
                miou = 100 * float(row["test_miou"])
                print(
                    f"| {name} | {row['row']} | {row['predicted']}, {row['seconds']} | {size} | {both} | {miou:.1f} |"
                )


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.mean(known) if len(known) == len(values) else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["sets", "candidates", "spread"], default="sets")
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--budget", default="20m", metavar="TIME")
    parser.add_argument("--sets", nargs="+", choices=list(NAMES), default=list(NAMES))
    parser.add_argument("--groups", nargs="+", choices=list(GROUPS), default=list(GROUPS))
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="of these groups, only rows of these names")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE.csv")
    options = parser.parse_args()
    if options.what == "candidates":
        return candidates()
    if options.what == "spread":
        if options.data is None:
            parser.error("spread: needs --data FOLDER, with ccp/ in it")
        return spread(options.data)
    rows = [row for group in GROUPS if group in options.groups for row in GROUPS[group]]
    if options.rows:
        rows = [row for row in rows if row.name in options.rows]
        if not rows:
            parser.error(f"--rows: none of that name; {', '.join(row.name for g in GROUPS.values() for row in g)}")
    if options.data:
        total = len(rows) * len(options.sets) * seconds(options.budget)
        print(f"{len(rows)} rows on {len(options.sets)} sets: up to {in_time(total)}", flush=True)
    for row in rows if options.data else ():
        for name in options.sets:
            key = (name, row.name, options.budget, str(options.seed))
            if key in {tuple(found[c] for c in COLUMNS[:4]) for found in measured(options.results)}:
                continue
            kept = DATA.parent / f"{name}-{options.budget}-{options.seed}.yaml"
            like = yaml.safe_load(kept.read_text()) if kept.exists() else None
            if row.like_plan and like is None:
                print(f"{name}, {row.name}: needs the row `plan` of this machine first; left out", flush=True)
                continue
            found = measure(name, row, as_it_is(name, options.data, DATA / name), options.budget, options.seed, like)
            append(options.results, found)
            print(", ".join(str(cell) for cell in found.values()), flush=True)
    print_tables(measured(options.results), options.budget)
    return None


if __name__ == "__main__":
    main()
