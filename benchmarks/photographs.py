"""Networks on photographs, CamVid and CCP (clothing, ten classes): what the solve is worth, and peers in the same pipeline.

    python -m benchmarks.photographs tiny-ccp --data FOLDER       one scale, with and without the solve, three seeds
    python -m benchmarks.photographs tiny-camvid --data FOLDER    the same
    python -m benchmarks.photographs boundary --data FOLDER       ablation: the three boundaries
    python -m benchmarks.photographs camvid --data FOLDER         from scratch, beside peers
    python -m benchmarks.photographs m --data FOLDER              what was tried on the largest of ours
    python -m benchmarks.photographs lite0 --data FOLDER          CCP on an encoder trained on ImageNet; lite0-2e-3: slower
    python -m benchmarks.photographs head --data FOLDER           the same with less behind the encoder
    python -m benchmarks.photographs people --data FOLDER         the same four times as long: weights/people-lite0
    python -m benchmarks.photographs people-tiny --data FOLDER    photo-tiny, taught by it: weights/people-tiny
    python -m benchmarks.photographs latency                      onnxruntime, one thread, 240 × 320, of those of `camvid`
    python -m benchmarks.photographs curve                        a plot of what both of them found

FOLDER holds camvid/ and ccp/, each with images/ and masks/. Copies at the size of the table are made in runs/photographs/; runs
stay there too, and a finished one is not trained again. Within a table every network sees the same images equally often.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.photograph_data import FOLDER, SIZES, prepare
from benchmarks.photograph_tables import LRASPP, ON_LITE0, PEERS, SEEDS, TABLES, WITH, WITHOUT, Table
from benchmarks.training_runs import RESULT, train_all


def print_table(name: str, table: Table, rows: Sequence[str], results: dict[str, list[dict[str, Any]]]) -> None:
    size = SIZES[table.data]
    pixels = f"{size[0]} x {size[1]}" if size else f"long side {table.settings['long_side']} px, scored at full size"
    print(f"\n{name}: {table.data}, {pixels}, {table.epochs} epochs, test split\n")
    print("| network | parameters | mIoU | pixel accuracy | seconds of one core |\n|---|---|---|---|---|")
    for row in rows:
        found = results[row]
        cells = [_mean([100 * r[key] for r in found]) for key in ("test_miou", "test_accuracy")]
        seconds = statistics.mean(r["seconds"] for r in found)
        print(f"| {row} | {found[0]['parameters']} | {cells[0]} | {cells[1]} | {seconds:.0f} |")


def _mean(values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


def latency() -> None:
    """Milliseconds of every network of the tables `camvid` and `lite0`, on random weights: time is the same."""
    import numpy as np

    from benchmarks.export import interleaved, runnable, untrained
    from imexseg.export.build import build
    from imexseg.export.metadata import ExportOptions
    from imexseg.models.count import count_parameters

    size = (240, 320)
    rows = TABLES["camvid"].rows | ON_LITE0
    files, parameters = {}, {}
    for name, row in rows.items():
        settings = {key: value for key, value in row.network.items() if key != "pretrained"}
        network = untrained(row.model, 3, num_classes=11, **settings)
        parameters[name] = count_parameters(network)
        files[name] = build(network, ExportOptions(size)).SerializeToString()
    image = np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    found = interleaved(runnable(files, "classes", {"image": image}), rounds=20)
    against = found[LRASPP]
    print(f"\n| onnxruntime, one thread, {size[0]} x {size[1]} | parameters | ms | of {LRASPP} |\n|---|---|---|---|")
    for name, value in found.items():
        print(f"| {name} | {parameters[name]} | {value:.1f} | {value / against:.2f} |")
    (FOLDER / "latency.json").write_text(json.dumps(found))


def curve() -> None:
    """Test mIoU on CamVid against parameters and against milliseconds, for every network that both were measured of."""
    from matplotlib.figure import Figure

    milliseconds = json.loads((FOLDER / "latency.json").read_text())
    lines: dict[str, dict[str, list[float]]] = {WITH: {}, WITHOUT: {}, "other networks": {}}
    for name, row in TABLES["camvid"].rows.items():
        jobs = TABLES["camvid"].jobs("camvid", name, SEEDS)
        found = [json.loads((job.folder / RESULT).read_text()) for job in jobs if (job.folder / RESULT).exists()]
        if found and name in milliseconds:
            line = "other networks" if name in PEERS else WITH if row.model.startswith("imex") else WITHOUT
            miou = 100 * statistics.mean(result["test_miou"] for result in found)
            lines[line][name] = [found[0]["parameters"], milliseconds[name], miou]
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for (line, points), style, colour in zip(
        lines.items(), ("o-", "o--", "s"), ("tab:blue", "tab:orange", "tab:grey"), strict=True
    ):
        for axes, column in zip(panels, (0, 1), strict=True):
            axes.plot(
                [p[column] for p in points.values()], [p[2] for p in points.values()], style, color=colour, label=line
            )
            for name, p in points.items() if line != WITHOUT else ():
                axes.annotate(name, (p[column], p[2]), xytext=(6, 6), textcoords="offset points", fontsize=8)
    for axes, label in zip(panels, ("parameters", "milliseconds in onnxruntime, one thread, 240 × 320"), strict=True):
        axes.set(xlabel=label, xscale="log")
        axes.grid(alpha=0.25, linewidth=0.6)
        axes.margins(x=0.2, y=0.15)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("mIoU on the test split of CamVid, %")
    panels[0].legend(frameon=False)
    figure.savefig(FOLDER / "curve.png", dpi=130)
    print(FOLDER / "curve.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=[*TABLES, "latency", "curve"])
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--rows", nargs="+")
    parser.add_argument("--seeds", nargs="+", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.table in ("latency", "curve"):
        {"latency": latency, "curve": curve}[options.table]()
        return
    if options.data is None:
        parser.error(f"{options.table}: needs --data FOLDER, with camvid/ and ccp/ in it")
    table = TABLES[options.table]
    prepare(table.data, options.data)
    rows = options.rows or list(table.rows)
    seeds = options.seeds or table.seeds
    jobs = [job for seed in seeds for row in rows for job in table.jobs(options.table, row, [seed])]
    found = dict(zip((job.folder for job in jobs), train_all(jobs, options.jobs), strict=True))
    results = {row: [found[job.folder] for job in table.jobs(options.table, row, seeds)] for row in rows}
    print_table(options.table, table, rows, results)


if __name__ == "__main__":
    main()
