"""Images per second in training, of photo-tiny beside LRASPP: python -m benchmarks.training_speed --data FOLDER

FOLDER holds ccp, as for benchmarks.photographs. One thread, batches of 8 photographs of 192 x 128 px, augmentation `light`. The
networks, and the ways to train the first of them, take turns, and the fastest round of each counts. Times are those of the
processor, so that other programs disturb less. "pipeline" includes reading and augmenting; "steps" has its batches in memory.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.photograph_data import FOLDER, prepare
from imexseg.inference.allocator import keep_freed_memory
from imexseg.models.build import build_network
from imexseg.training.config import RunConfig
from imexseg.training.data_module import SegmentationData
from imexseg.training.fit import RunData, look_at_data
from imexseg.training.losses import Loss
from imexseg.training.multilevel import network_settings

OURS, PEER = "imex-residual-lean-photo-tiny", "smp:LRASPP:mobilenet_v3_large"
BATCH = 8
Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Way:
    """How a network is trained."""

    model: str
    fused: bool = False
    compiled: bool = False
    reads: bool = True


WAYS = {
    "photo-tiny, pipeline": Way(OURS),
    "LRASPP MobileNetV3, pipeline": Way(PEER),
    "photo-tiny, steps": Way(OURS, reads=False),
    "LRASPP MobileNetV3, steps": Way(PEER, reads=False),
    "photo-tiny, steps, fused optimiser": Way(OURS, fused=True, reads=False),
    "photo-tiny, steps, torch.compile": Way(OURS, compiled=True, reads=False),
}


def batches(config: RunConfig, data: RunData) -> Iterator[Batch]:
    """Epoch after epoch."""
    loader = SegmentationData(config, data.train, data.val).train_dataloader()
    while True:
        yield from loader


def step_of(way: Way, data: RunData, source: Iterator[Batch]) -> Callable[[], None]:
    config = RunConfig(model=way.model)
    torch.manual_seed(0)
    network = build_network(network_settings(config, data)).train()
    loss = Loss("cross-entropy", torch.ones(len(data.description.names)))
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3, fused=way.fused)
    predict = torch.compile(network.at_own_scale) if way.compiled else network.at_own_scale

    def step() -> None:
        image, mask = next(source)
        optimiser.zero_grad()
        loss(predict(image), mask).backward()
        optimiser.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--steps", type=int, default=10, metavar="N", help="of a round (default: 10)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument(
        "--without", nargs="*", default=[], metavar="WAY", help="words of ways to leave out, such as compile"
    )
    parser.add_argument(
        "--kept-memory", action="store_true", help="as predict does it: see imexseg/inference/allocator.py"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if options.kept_memory:
        keep_freed_memory()
    prepare("ccp-small", options.data)
    config = RunConfig(data=FOLDER / "ccp-small", augmentation="light", batch_size=BATCH, num_workers=0)
    data = look_at_data(FOLDER / "ccp-small")
    read, kept = batches(config, data), cycle(list(islice(batches(config, data), options.steps)))
    steps = {
        name: step_of(way, data, read if way.reads else kept)
        for name, way in WAYS.items()
        if not any(word in name for word in options.without)
    }
    best = dict.fromkeys(steps, float("inf"))
    for step in steps.values():
        step()  # compiled, and memory asked for
    for _ in range(options.rounds):
        for name, step in steps.items():
            started = time.process_time()
            for _ in range(options.steps):
                step()
            best[name] = min(best[name], (time.process_time() - started) / options.steps)
    print("| training, one thread | images per second |\n|---|---|")
    for name, seconds in best.items():
        print(f"| {name} | {BATCH / seconds:.1f} |")


if __name__ == "__main__":
    main()
