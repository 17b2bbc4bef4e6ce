"""Small networks that other people published, by their own code, in the pipeline of this project.

    python -m benchmarks.peers --peers FOLDER                     weights, multiply-adds and milliseconds of each, untrained
    python -m benchmarks.peers --peers FOLDER --data FOLDER       train what is not in benchmarks/results/peers.csv yet
    python -m benchmarks.peers table                              the table from that file

FOLDER of --peers holds clones as owner/name, at the commits that peer_adapters.py names. Every run is one row by (set, peer,
learning rate, seed).
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks import peer_adapters
from benchmarks.peer_adapters import PEERS, PREFIX, register, untrained
from benchmarks.photograph_data import FOLDER, prepare
from benchmarks.results_file import FOLDER as RESULTS
from benchmarks.results_file import ResultsFile, commit
from benchmarks.shootout import SETS
from benchmarks.training_runs import Job, train_whole
from imexseg.models.count import count_parameters, multiply_adds

OURS = ("imex-residual-lean-photo-tiny", "residual-lean-photo-tiny", "imex-residual-lean-photo-s")
FILE = ResultsFile(
    RESULTS / "peers.csv",
    ("set", "peer", "learning_rate", "seed"),
    ("epochs", "parameters", "val_miou", "test_miou", "test_accuracy", "seconds", "commit"),
)


def costs(size: tuple[int, int] = (240, 320), rounds: int = 5) -> Iterator[tuple[str, int, int, float]]:
    """Of every peer for 11 classes: name, weights, multiply-adds, milliseconds in torch on one thread: the least, and of the
    processor, so that other processes do not count. The last ones are the networks of this project that they stand beside."""
    torch.set_num_threads(1)
    image = 255 * torch.rand(1, 3, *size)
    for name in [*(f"{PREFIX}{peer}" for peer in PEERS), *OURS]:
        network = untrained(name).eval()
        spent = []
        with torch.inference_mode():
            for _ in range(rounds):
                started = time.process_time()
                network(image)
                spent.append(1000 * (time.process_time() - started))
        yield name.removeprefix(PREFIX), count_parameters(network), multiply_adds(network, image), min(spent)


def measure(of: str, peer: str, rate: float, seed: int, source: Path) -> dict[str, Any]:
    """One row."""
    data = SETS[of].data
    prepare(data, source)
    folder = Path("runs/peers") / f"{of}-{peer}-{rate:g}-{seed}"
    settings = {"data": FOLDER / data, "model": f"{PREFIX}{peer}", "epochs": SETS[of].epochs, "seed": seed}
    settings |= {"learning_rate": rate, "weight_decay": 1e-2, "batch_size": 8}
    settings |= {"augmentation": "light", "class_weights": "auto"}
    found = train_whole(Job(folder, settings, test=True))
    row = {"set": of, "peer": peer, "learning_rate": f"{rate:g}", "seed": seed, "epochs": SETS[of].epochs}
    scores = {"val_miou": found["miou"], "test_miou": found["test_miou"], "test_accuracy": found["test_accuracy"]}
    row |= {key: f"{value:.5f}" for key, value in scores.items()}
    return row | {"parameters": found["parameters"], "seconds": f"{found['seconds']:.1f}", "commit": commit()}


def table() -> None:
    """Of the learning rates the one that was best on the validation split; mean over the seeds."""
    print("| set | network | parameters | learning rate | seeds | test mIoU |\n|---|---|---|---|---|---|")
    for (of, peer), rows in FILE.groups("set", "peer"):
        rates: dict[str, list[dict[str, str]]] = {}
        for row in rows:
            rates.setdefault(row["learning_rate"], []).append(row)
        rate, best = max(rates.items(), key=lambda item: statistics.mean(float(r["val_miou"]) for r in item[1]))
        test = statistics.mean(100 * float(r["test_miou"]) for r in best)
        print(f"| {of} | {peer} | {best[0]['parameters']} | {rate} of {', '.join(rates)} | {len(best)} | {test:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", choices=["run", "table"], default="run")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="clones as owner/name")
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--names", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["facade", "ccp"])
    parser.add_argument("--rates", nargs="+", type=float, default=[1e-2, 3e-3, 1e-3])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    if options.command == "table":
        table()
        return
    if options.peers is None:
        parser.error(
            "--peers FOLDER is needed: clones as owner/name, " + ", ".join({p.repository for p in PEERS.values()})
        )
    peer_adapters.clones = options.peers
    register()
    if options.data is None:
        print(
            "| 240 × 320, 11 classes | parameters | million multiply-adds | ms in torch, one thread |\n|---|---|---|---|"
        )
        for name, weights, products, milliseconds in costs():
            print(f"| {name} | {weights} | {products / 1e6:.0f} | {milliseconds:.0f} |", flush=True)
        return
    for seed, of, name, rate in itertools.product(options.seeds, options.sets, options.names, options.rates):
        key = {"set": of, "peer": name, "learning_rate": f"{rate:g}", "seed": seed}
        if key not in FILE:
            FILE.add(measure(of, name, rate, seed, options.data))


if __name__ == "__main__":
    main()
