"""The solve against other global parts in one trunk, with as many weights: contenders/ has the parts.

    python -m benchmarks.shootout --data FOLDER      train what is not in the file yet, one run after the other
    python -m benchmarks.shootout table              tables from the file
    python -m benchmarks.shootout runtime            latency and peak memory in onnxruntime, or why it cannot be exported

FOLDER holds camvid/, ccp/, facade/, tiles/, vessels/, each with images/ and masks/. Every run leaves a row in
benchmarks/results/shootout.csv; a stopped command goes on with the run that it was at. Within a set every network sees the same
images equally often, at one size; rows "half" are trained on images of half that size, and tested on them at full size
(`test_miou`) and at half size with the answer scaled up (`upsampled_miou`).
"""

import argparse
import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contenders.network import FORMS, NAMES, PREFIX, register
from benchmarks.photograph_data import FOLDER, prepare
from benchmarks.results_file import FOLDER as RESULTS
from benchmarks.results_file import ResultsFile, commit
from benchmarks.training_runs import Job, train_whole

RUNS = Path("runs/shootout")
FULL, HALF = "full", "half"
FILE = ResultsFile(
    RESULTS / "shootout.csv",
    ("set", "trunk", "part", "seed", "trained"),
    (
        "epochs",
        "parameters",
        "multiply_adds",
        "val_miou",
        "test_miou",
        "test_accuracy",
        "upsampled_miou",
        "seconds",
        "commit",
    ),
)


@dataclass(frozen=True)
class Set:
    """Args: data: of photograph_data.SIZES.  epochs: two to five thousand images, about half a minute of one core."""

    data: str
    epochs: int


SETS = {
    "facade": Set("facade-128", 45),
    "ccp": Set("ccp-144", 6),
    "tiles": Set("tiles-128", 12),
    "camvid": Set("camvid-128", 10),
    "vessels": Set("vessels-192", 45),
}


def measure(name: str, trunk: str, part: str, seed: int, trained: str, source: Path) -> dict[str, Any]:
    """One row. Args: trained: FULL or HALF."""
    of = SETS[name]
    data = of.data if trained == FULL else f"{of.data}-half"
    for needed in {of.data, data}:
        prepare(needed, source)
    folder = RUNS / "-".join((name, trunk, part, str(seed), trained))
    settings = {"data": FOLDER / data, "model": f"{PREFIX}{part}:{trunk}", "epochs": of.epochs, "seed": seed}
    settings |= {"learning_rate": 1e-2, "weight_decay": 1e-2, "batch_size": 8}
    settings |= {"augmentation": "light", "class_weights": "auto"}
    found = train_whole(Job(folder, settings, test=trained == FULL))
    row = {"set": name, "trunk": trunk, "part": part, "seed": seed, "trained": trained, "epochs": of.epochs}
    row |= {"parameters": found["parameters"], "multiply_adds": _multiply_adds(folder, FOLDER / of.data)}
    row |= {"val_miou": f"{found['miou']:.5f}", "seconds": f"{found['seconds']:.1f}", "commit": commit()}
    if trained == FULL:
        scores = {"test_miou": found["test_miou"], "test_accuracy": found["test_accuracy"]}
        return row | {key: f"{value:.5f}" for key, value in scores.items()} | {"upsampled_miou": ""}
    at_full, upsampled = across_resolutions(folder / "best.safetensors", FOLDER / of.data, FOLDER / data)
    scores = {"test_miou": at_full.miou, "test_accuracy": at_full.accuracy, "upsampled_miou": upsampled.miou}
    return row | {key: f"{value:.5f}" for key, value in scores.items()}


def _multiply_adds(run: Path, data: Path) -> int:
    """Of one image at full size."""
    import torch

    from imexseg.data.description.data_yaml import load_description
    from imexseg.data.pairs.pairs import list_pairs
    from imexseg.data.read.images import read_image
    from imexseg.data.read.tensors import image_to_tensor
    from imexseg.models.artefact import load
    from imexseg.models.count import multiply_adds

    image = image_to_tensor(read_image(list_pairs(load_description(data), "test")[0].image))
    return multiply_adds(load(run / "best.safetensors"), torch.stack([image]))


def across_resolutions(weights: Path, full: Path, half: Path):
    """A network trained on `half` on the test split of `full`. Returns: its scores there, and those of its answers to the images
    of `half`, the logits scaled up."""
    import numpy as np
    import torch
    import torch.nn.functional as F

    from imexseg.data.description.data_yaml import load_description
    from imexseg.data.pairs.pairs import list_pairs
    from imexseg.data.read.tensors import image_to_tensor
    from imexseg.evaluation.evaluate import confusion_matrix, read_pair
    from imexseg.evaluation.scores import Scores
    from imexseg.models.artefact import load

    network = load(weights)
    names = network.info.names
    counted = np.zeros((2, len(names), len(names)), np.int64)
    descriptions = [load_description(folder) for folder in (full, half)]
    n_images = 0
    for at_full, at_half in zip(*(list_pairs(d, "test") for d in descriptions), strict=True):
        image, mask = read_pair(at_full, descriptions[0].names)
        small, _ = read_pair(at_half, descriptions[1].names)
        with torch.inference_mode():
            there = network(image_to_tensor(image)[None])
            below = network(image_to_tensor(small)[None])
            above = F.interpolate(below, there.shape[-2:], mode="bilinear", align_corners=False)
        for k, logits in enumerate((there, above)):
            counted[k] += confusion_matrix(mask, logits[0].argmax(0).numpy(), len(names))
        n_images += 1
    return tuple(Scores(tuple(names), matrix, n_images) for matrix in counted)


def run(options: argparse.Namespace) -> None:
    register()
    wanted = itertools.product(options.seeds, options.trained, options.sets, options.trunks, options.parts)
    for seed, trained, name, trunk, part in wanted:
        key = {"set": name, "trunk": trunk, "part": part, "seed": seed, "trained": trained}
        if key in FILE:
            continue
        FILE.add(measure(name, trunk, part, seed, trained, options.data))
        print(f"{time.strftime('%H:%M:%S')} {FILE.rows()[-1]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", choices=["run", "table", "runtime"], default="run")
    parser.add_argument("--data", type=Path, metavar="FOLDER")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["facade", "ccp", "tiles", "camvid"])
    parser.add_argument("--trunks", nargs="+", choices=FORMS, default=["photo-tiny"])
    parser.add_argument("--parts", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--trained", nargs="+", choices=[FULL, HALF], default=[FULL])
    options = parser.parse_args()
    if options.command != "run":
        from benchmarks import shootout_tables

        {"table": shootout_tables.tables, "runtime": shootout_tables.runtime}[options.command]()
        return
    if options.data is None:
        parser.error("--data FOLDER is needed, with the sets in it")
    run(options)


if __name__ == "__main__":
    main()
