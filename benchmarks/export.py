"""Exported networks in onnxruntime, one thread: agreement with torch for every registered network, time against peers.

    python benchmarks/export.py parity     largest logit difference at 64², 96×160, 333×517 (minutes)
    python benchmarks/export.py time       the default network against an SMP U-Net; one solve against one convolution

Times are medians of interleaved runs; only their ratios in one run mean anything.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import onnx_ir as ir
import onnxruntime
import torch
from torch import Tensor, nn

from imexseg.export.build import build, export_module
from imexseg.export.fold import fold
from imexseg.export.metadata import ExportOptions
from imexseg.export.sample_images import random_images
from imexseg.export.verify import reference_logits, session
from imexseg.layers.implicit import DirichletSolve, PeriodicSolve, ReflectiveSolve
from imexseg.layers.solve_modes import solved_by
from imexseg.models.artefact import load
from imexseg.models.build import build_network, model_config
from imexseg.models.contract import ImageNetwork
from imexseg.models.info import ModelInfo
from imexseg.models.registry import NETWORKS
from imexseg.models.weights import find_weights

SIZES = ((64, 64), (96, 160), (333, 517))
ROUNDS = 60
PEER = "smp:Unet:mobilenet_v2"


def untrained(name: str, channels: int, num_classes: int = 4, **settings) -> ImageNetwork:
    """A network with the batch statistics of random images."""
    torch.manual_seed(0)
    statistics = {"mean": (128.0,) * channels, "std": (74.0,) * channels}
    network = build_network(model_config(name, in_channels=channels, num_classes=num_classes, **statistics, **settings))
    config = network.config
    network.train()
    with torch.no_grad():
        for _ in range(10):
            network(255 * torch.rand(2, channels, 64, 64))
    names, palette = [f"class {k}" for k in range(num_classes)], [(0, 0, 0)] * num_classes
    network.info = ModelInfo(
        model=name,
        network=config,
        names=names,
        palette=palette,
        full_scale=255.0,
        data={},
        metrics={},
        training={},
        version="",
    )
    return network.eval()


def parity() -> None:
    print("| network | " + " | ".join(f"{h} × {w}" for h, w in SIZES) + " | any size, 333 × 517 | largest logit |")
    print("|---" * (len(SIZES) + 3) + "|")
    for name in [*NETWORKS, PEER]:
        network = untrained(name, 3)
        cells, largest = [], 0.0
        for size in [*SIZES, None]:
            if size is None and name == PEER:
                cells.append("fixed sizes only")
                continue
            file = session(build(network, ExportOptions(size, logits=True)).SerializeToString(), threads=1)
            (image,) = random_images(network.info, size or SIZES[-1], 1)
            expected = reference_logits(network, image)
            largest = max(largest, float(np.abs(expected).max()))
            found = file.run(["logits"], {"image": image[None]})[0][0]
            cells.append(f"{np.abs(found - expected).max():.1e}")
        print(f"| `{name}` | " + " | ".join(cells) + f" | {largest:.1f} |", flush=True)


class OneLayer(nn.Module):
    """(1, n, size, size) → the same, under a name."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, X: Tensor) -> dict[str, Tensor]:
        return {"Y": self.layer(X)}


def of_layer(layer: nn.Module, n: int, size: int) -> bytes:
    """One layer by itself, exported as those of a network are."""
    with torch.no_grad(), solved_by(layer, "matmul"):
        traced = ir.from_proto(export_module(OneLayer(layer), {"X": torch.zeros(1, n, size, size)}))
    fold(traced)
    return ir.to_proto(traced).SerializeToString()


def interleaved(runs: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median milliseconds of each."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(-5, rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if turn >= 0:
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def timing() -> None:
    torch.manual_seed(0)
    own = load(find_weights("qtips"))
    files = {
        "imex-lean, fixed 64²": build(own, ExportOptions((64, 64))),
        "imex-lean, any size": build(own, ExportOptions(None)),
        "SMP U-Net, MobileNetV2, fixed 64²": build(untrained(PEER, 1), ExportOptions((64, 64))),
    }
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 1), dtype=np.uint8)
    report(runnable({k: v.SerializeToString() for k, v in files.items()}, "classes", {"image": image}), list(files)[-1])
    layers = {
        "solve, boundary zero, 64 channels, 64²": of_layer(DirichletSolve(64), 64, 64),
        "periodic solve, 64 channels, 64²": of_layer(PeriodicSolve(64), 64, 64),
        "reflective solve, 64 channels, 64²": of_layer(ReflectiveSolve(64), 64, 64),
        "dense 3×3 convolution, 64 channels, 64²": of_layer(nn.Conv2d(64, 64, 3, padding=1, bias=False), 64, 64),
    }
    X = np.random.default_rng(0).normal(size=(1, 64, 64, 64)).astype(np.float32)
    report(runnable(layers, "Y", {"X": X}), list(layers)[-1])


def runnable(files: dict[str, bytes], output: str, given: dict[str, np.ndarray]) -> dict[str, Callable[[], object]]:
    def run(file: onnxruntime.InferenceSession) -> Callable[[], object]:
        return lambda: file.run([output], given)

    return {name: run(session(content, threads=1)) for name, content in files.items()}


def report(runs: dict[str, Callable[[], object]], against: str) -> None:
    found = interleaved(runs)
    print(f"\n| onnxruntime, one thread | ms | of {against} |\n|---|---|---|")
    for name, value in found.items():
        print(f"| {name} | {value:.2f} | {value / found[against]:.2f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["parity", "time"])
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    {"parity": parity, "time": timing}[parser.parse_args().what]()
