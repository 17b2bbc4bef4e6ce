"""Tables of the shoot-out from its files; and what each part costs in onnxruntime."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.contenders.network import FORMS, NAMES, PREFIX, register
from benchmarks.results_file import FOLDER as RESULTS
from benchmarks.results_file import ResultsFile, commit
from benchmarks.shootout import FILE, FULL, HALF, SETS

SOLVE, RIVALS = "solve-zero", ("nothing", "global-mean", "squeeze-excite", "coarse-branch")
SIZE = (240, 320)
RUNTIME = ResultsFile(
    RESULTS / "shootout_runtime.csv",
    ("trunk", "part", "height", "width"),
    ("exports", "parameters", "multiply_adds", "largest_difference", "milliseconds", "peak_megabytes", "commit"),
)

Rows = list[dict[str, str]]


def tables() -> None:
    """Everything that benchmarks/results/shootout*.csv has, as Markdown."""
    for (trunk,), rows in FILE.groups("trunk"):
        _scores(trunk, [row for row in rows if row["trained"] == FULL])
        _resolutions(trunk, rows)
    for (trunk,), rows in RUNTIME.groups("trunk"):
        print(f"\n{trunk} in onnxruntime, one thread, {SIZE[0]} × {SIZE[1]}\n")
        _print("part", "exports", "million multiply-adds", "ms", "of nothing", "peak MB", "largest difference to torch")
        nothing = next(float(row["milliseconds"]) for row in rows if row["part"] == "nothing")
        for row in rows:
            cells = [f"{int(row['multiply_adds']) / 1e6:.1f}"]
            if row["milliseconds"]:
                ms = float(row["milliseconds"])
                cells += [f"{ms:.1f}", f"{ms / nothing:.2f}", row["peak_megabytes"], row["largest_difference"]]
            _row(row["part"], row["exports"], *cells)


def _scores(trunk: str, rows: Rows) -> None:
    sets = [name for name in SETS if any(row["set"] == name for row in rows)]
    found = {(row["set"], row["part"]): _of(rows, row["set"], row["part"]) for row in rows}
    seeds = {name: sorted({row["seed"] for row in rows if row["set"] == name}) for name in sets}
    print(
        f"\n{trunk}: test mIoU, mean and deviation over seeds ({', '.join(f'{n}: {len(s)}' for n, s in seeds.items())})\n"
    )
    _print("part", "parameters", "million multiply-adds", *sets, "mean rank (sets)")
    for part in NAMES:
        own = [row for row in rows if row["part"] == part]
        if not own:
            continue
        ranks = [rank(name, part, found) for name in sets if (name, part) in found]
        cells = [_mean(found.get((name, part), [])) for name in sets]
        products = f"{int(own[0]['multiply_adds']) / 1e6:.1f}"
        _row(part, own[0]["parameters"], products, *cells, f"{statistics.mean(ranks):.1f} ({len(ranks)})")
    print(f"\n{SOLVE} minus others, points of mIoU, over the seeds that both have\n")
    _print("against", *sets)
    for rival in [part for part in NAMES if part != SOLVE]:
        cells = [_differences(rows, name, rival) for name in sets]
        if any(cells):
            _row(rival, *cells)


def rank(name: str, part: str, found: dict[tuple[str, str], list[float]]) -> float:
    """Of a part among all that were measured on a set, by the mean over the seeds; 1 is the best, equals share a rank."""
    mean = {p: statistics.mean(values) for (of, p), values in found.items() if of == name}
    return 1 + sum(m > mean[part] for m in mean.values()) + (sum(m == mean[part] for m in mean.values()) - 1) / 2


def _of(rows: Rows, name: str, part: str, key: str = "test_miou") -> list[float]:
    return [100 * float(row[key]) for row in rows if row["set"] == name and row["part"] == part]


def _differences(rows: Rows, name: str, rival: str) -> str:
    by_seed = [
        {row["seed"]: float(row["test_miou"]) for row in rows if (row["set"], row["part"]) == (name, part)}
        for part in (SOLVE, rival)
    ]
    return ", ".join(f"{100 * (by_seed[0][s] - by_seed[1][s]):+.1f}" for s in by_seed[0] if s in by_seed[1])


def _resolutions(trunk: str, rows: Rows) -> None:
    half = [row for row in rows if row["trained"] == HALF]
    if not half:
        return
    full = [row for row in rows if row["trained"] == FULL]
    print(f"\n{trunk}, another resolution: test mIoU of a network trained at half size\n")
    _print("set", "part", "tested at full size", "run at half size, scaled up", "(trained at full size)")
    for name in SETS:
        for part in NAMES:
            if values := _of(half, name, part):
                _row(
                    name,
                    part,
                    _mean(values),
                    _mean(_of(half, name, part, "upsampled_miou")),
                    _mean(_of(full, name, part)),
                )


def _mean(values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}" if values else ""


def _print(*columns: str) -> None:
    _row(*columns)
    print("|" + "---|" * len(columns))


def _row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |")


_PEAK = """
import json, sys, numpy, onnxruntime
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
before = peak()
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
shape = json.loads(sys.argv[2])
for _ in range(3):
    session.run(["classes"], {"image": numpy.zeros(shape, numpy.uint8)})
print(peak() - before)
"""


def peak_megabytes(content: bytes, shape: tuple[int, ...]) -> float:
    """By how much the memory of a fresh process grows at most while it loads the file and runs it. Linux alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        path.write_bytes(content)
        command = [sys.executable, "-c", _PEAK, str(path), json.dumps(shape)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def processor_milliseconds(runs: dict[str, Callable[[], object]], rounds: int = 20) -> dict[str, float]:
    """The least of each, side by side. Of the processor and not of the clock: other processes do not count, and a session of one
    thread works in the thread that calls it."""
    least = dict.fromkeys(runs, float("inf"))
    for turn in range(-2, rounds):
        for name, run in runs.items():
            started = time.process_time()
            run()
            if turn >= 0:
                least[name] = min(least[name], 1e3 * (time.process_time() - started))
    return least


def runtime() -> None:
    """Every part in every trunk, on random weights, once: time and memory are the same."""
    import numpy as np
    import torch

    from benchmarks.export import runnable, untrained
    from imexseg.export.build import build
    from imexseg.export.metadata import ExportOptions
    from imexseg.export.verify import reference_logits, session
    from imexseg.models.count import count_parameters, multiply_adds

    register()
    torch.set_num_threads(1)
    image = np.random.default_rng(0).integers(0, 256, (1, *SIZE, 3), dtype=np.uint8)
    for trunk in FORMS:
        rows: dict[str, dict[str, Any]] = {}
        files: dict[str, bytes] = {}
        for part in NAMES:
            key = {"trunk": trunk, "part": part, "height": SIZE[0], "width": SIZE[1]}
            if key in RUNTIME:
                continue
            network = untrained(f"{PREFIX}{part}:{trunk}", 3, num_classes=11)
            row = key | {"parameters": count_parameters(network), "commit": commit()}
            row["multiply_adds"] = multiply_adds(network, torch.zeros(1, 3, *SIZE))
            try:
                content = build(network, ExportOptions(SIZE, logits=True)).SerializeToString()
                found = session(content, threads=1).run(["logits"], {"image": image})[0][0]
            except Exception as error:  # whatever exporter or runtime says is the answer to whether it can be exported
                empty = dict.fromkeys(("largest_difference", "milliseconds", "peak_megabytes"), "")
                rows[part] = row | empty | {"exports": f"no: {type(error).__name__} {str(error).splitlines()[0][:80]}"}
                continue
            difference = float(np.abs(found - reference_logits(network, image[0])).max())
            files[part] = content
            peak = f"{peak_megabytes(content, image.shape):.0f}"
            rows[part] = row | {"exports": "yes", "largest_difference": f"{difference:.1e}", "peak_megabytes": peak}
            print(f"{time.strftime('%H:%M:%S')} {trunk} {part}", flush=True)
        runs: dict[str, Callable[[], object]] = runnable(files, "classes", {"image": image})
        for part, milliseconds in processor_milliseconds(runs).items():
            rows[part]["milliseconds"] = f"{milliseconds:.2f}"
        for row in rows.values():
            RUNTIME.add(row)
