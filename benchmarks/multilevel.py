"""Kernels across scales, on Q-tips: the experiment of the Galerkin paper, and what coarse levels save in training.

    python -m benchmarks.multilevel transfer     train fine → evaluate coarse, with and without restriction; and coarse → fine
    python -m benchmarks.multilevel training     seconds to a validation mIoU, one level against several

transfer: a network of stride 1, so that every kernel of it has a coarser and a finer form.
"""

import argparse
import copy
import csv
import json
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from torch import nn

from imexseg.data.load.dataset import SegmentationDataset
from imexseg.data_gen import write_dataset
from imexseg.evaluation.evaluate import confusion_matrix
from imexseg.evaluation.scores import Scores
from imexseg.models.artefact import load
from imexseg.models.prolongation import to_coarser_grid, to_finer_grid
from imexseg.training.config import RunConfig
from imexseg.training.fit import fit, look_at_data
from imexseg.training.restriction import restrict_batch
from imexseg.training.run_folder import create_run_folder

FOLDER = Path("runs/multilevel")
FULL_RESOLUTION = {"stride": 1, "width": 12, "n_steps": 4}


def run(name: str, data: Path, **settings) -> Path:
    """Train unless it was done before. Returns: the run folder."""
    folder = FOLDER / name
    if not (folder / "done").exists():
        config = RunConfig(data=data, **settings)
        create_run_folder(folder, config)
        fit(config, folder, look_at_data(data), Console(stderr=True), resume=(folder / "last.ckpt").exists())
        (folder / "done").touch()
    return folder


def data_of(size: int, images: int) -> Path:
    """Generated once."""
    folder = FOLDER / f"data-{size}"
    if not folder.exists():
        write_dataset(folder, "authors", size, {"train": images, "val": 128}, seed=0)
    return folder


@torch.inference_mode()
def miou(network: nn.Module, data: Path, level: int) -> float:
    """Validation mIoU on images halved `level` times."""
    found = look_at_data(data)
    dataset = SegmentationDataset(found.val.pairs, found.train.channels, found.train.dtype)
    names = tuple(found.description.names)
    total = torch.zeros(len(names), len(names), dtype=torch.int64).numpy()
    for i in range(len(dataset)):
        image, mask = (tensor[None] for tensor in dataset[0, i])
        for _ in range(level):
            image, mask = restrict_batch(image, mask)
        total = total + confusion_matrix(mask[0].numpy(), network(image).argmax(1)[0].numpy(), len(names))
    return Scores(names, total, len(dataset)).miou


def changed(network: nn.Module, change: Callable[[nn.Module], None]) -> nn.Module:
    other = copy.deepcopy(network)
    change(other)
    return other


def transfer(epochs: int) -> None:
    data = data_of(64, 1024)
    print("| network | trained on | evaluated on | as it is | with its kernels carried over |\n|---|---|---|---|---|")
    for model in ("parabolic-dense", "imex-dense", "imex-lean"):
        settings = {"model": model, "network": FULL_RESOLUTION, "epochs": epochs}
        fine = load(run(f"{model}-fine", data, **settings) / "best.safetensors")
        # Two levels of which the coarser is trained: its last weights are what the next level would start from.
        coarse_run = run(f"{model}-coarse", data, **settings | {"levels": 2, "level_epochs": epochs, "epochs": 1})
        coarse = load(coarse_run / "level-1" / "best.safetensors")
        for name, network, own, other, change in (
            ("64² → 32²", fine, 0, 1, to_coarser_grid),
            ("32² → 64²", coarse, 1, 0, to_finer_grid),
        ):
            cells = [miou(network, data, own), miou(network, data, other), miou(changed(network, change), data, other)]
            print(f"| `{model}` | {name}: {cells[0]:.3f} | the other | {cells[1]:.3f} | {cells[2]:.3f} |", flush=True)


def history(folder: Path, levels: int) -> list[tuple[float, float]]:
    """(seconds since the start of the coarsest level, mIoU) after every epoch on the finest."""
    seconds, points = 0.0, []
    for level in range(levels - 1, -1, -1):
        path = (folder / f"level-{level}" if level else folder) / "metrics.csv"
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                seconds += float(row["seconds"])
                if level == 0:
                    points.append((seconds, float(row["val_miou"])))
    return points


def training(epochs: int) -> None:
    data = data_of(64, 1024)
    runs = {
        "one level": (1, {"epochs": epochs}),
        "two levels": (2, {"epochs": epochs // 2, "level_epochs": epochs // 2, "levels": 2}),
        "three levels": (3, {"epochs": epochs // 2, "level_epochs": epochs // 3, "levels": 3}),
    }
    print("| training | seconds to 0.90 | to 0.95 | to 0.98 | in all | best mIoU |\n|---|---|---|---|---|---|")
    for name, (levels, settings) in runs.items():
        points = history(run(name.replace(" ", "-"), data, **settings), levels)
        reached = [next((f"{s:.0f}" for s, m in points if m >= goal), "not") for goal in (0.90, 0.95, 0.98)]
        best = max(m for _, m in points)
        print(
            f"| {name} {json.dumps(settings)} | {' | '.join(reached)} | {points[-1][0]:.0f} | {best:.4f} |", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["transfer", "training"])
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args()
    {"transfer": transfer, "training": training}[options.what](options.epochs)


if __name__ == "__main__":
    main()
