"""Seconds per megapixel of weights on images of every size: python -m benchmarks.sizes [--weights NAME] [--exported FILE.onnx]

One thread. From 64 x 64 to 2048 x 2048 px, in torch and, exported for any size, in onnxruntime; all sizes take turns, and the
fastest of the rounds counts. Times are those of the processor, so that other programs disturb less. Below torch is the share of
the system, which is mostly that of clearing memory, and what the network takes by itself.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from imexseg.inference.onnx_predictor import OnnxPredictor
from imexseg.inference.open import open_predictor
from imexseg.inference.predictor import Predictor

SIDES = [64, 128, 256, 512, 1024, 2048]
ROUND_PIXELS = 1 << 20  # small images are segmented several times a round


def seconds(work: Callable[[], object], n: int) -> np.ndarray:
    """In all, and of the system."""
    started = os.times()
    for _ in range(n):
        work()
    ended = os.times()
    spent = np.subtract(ended[:2], started[:2])  # of the program, of the system
    return np.array([spent.sum(), spent[1]]) / n


def per_megapixel(works: dict[int, Callable[[], object]], rounds: int) -> np.ndarray:
    """Seconds of the fastest round, and those of the system among them, in the order of the sides. Shapes: → (sides, 2).

    Args: works: side in pixels ↦ what segments such an image.
    """
    best = {side: np.full(2, np.inf) for side in works}
    for work in works.values():
        work()  # memory is asked for once
    for _ in range(rounds):
        for side, work in works.items():
            best[side] = min(best[side], seconds(work, max(1, ROUND_PIXELS // side**2)), key=lambda spent: spent[0])
    return np.array([best[side] * 1e6 / side**2 for side in works])


def ways(predictor: Predictor, exported: OnnxPredictor, images: dict[int, np.ndarray]) -> dict[str, dict]:
    """Row of the table ↦ side ↦ what is timed."""

    def network(side: int) -> Callable[[], object]:
        image = torch.from_numpy(np.moveaxis(images[side], -1, 0)[None].astype(np.float32))

        def work() -> None:
            with torch.inference_mode():
                predictor.network(image)

        return work

    return {
        "torch": {side: lambda image=image: predictor.segment(image) for side, image in images.items()},
        "of it the network": {side: network(side) for side in images},
        "onnxruntime": {side: lambda image=image: exported.classes(image) for side, image in images.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="qtips", metavar="NAME")
    parser.add_argument("--exported", type=Path, metavar="FILE", help="(default: exported here, which takes a minute)")
    parser.add_argument("--largest", type=int, default=SIDES[-1], metavar="N", help="pixels (default: 2048)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        path = options.exported
        if path is None:
            path = Path(name) / "any.onnx"
            command = [sys.executable, "-m", "imexseg", "export", options.weights, "--dynamic", "--output", str(path)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        predictor, exported = open_predictor(options.weights), OnnxPredictor(path, threads=1)
    assert isinstance(predictor, Predictor)
    random = np.random.default_rng(0)
    sides = [side for side in SIDES if side <= options.largest]
    images = {
        side: random.integers(0, 256, (side, side, predictor.info.in_channels)).astype(np.uint8) for side in sides
    }
    print("| s per megapixel | " + " | ".join(f"{side}²" for side in sides) + " | largest / smallest |")
    print("|---|" + "---|" * (len(sides) + 1))
    for row, works in ways(predictor, exported, images).items():
        found, of_system = per_megapixel(works, options.rounds).T
        print(line(row, found, f"{found.max() / found.min():.1f}"), flush=True)
        if row == "torch":
            print(line("of it the system", of_system, ""), flush=True)


def line(name: str, values: np.ndarray, last: str) -> str:
    return f"| {name} | " + " | ".join(f"{value:.2f}" for value in values) + f" | {last} |"


if __name__ == "__main__":
    main()
