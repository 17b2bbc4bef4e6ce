"""Trained runs that several figures stand on: each is trained once and kept with what it reached."""

import json
import multiprocessing
import shutil
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from imexseg.data.description.data_yaml import DataDescription

RESULT = "result.json"


@dataclass(frozen=True)
class Job:
    """folder: where the run stays.  settings: of RunConfig.  test: whether the test split is evaluated too.

    recount: measure the statistics of batch normalisation anew before that, on the training images as they are. Fair to a
    network of another library whose running averages are too slow for a short run.
    """

    folder: Path
    settings: dict[str, Any]
    test: bool = False
    recount: bool = False


def train_once(job: Job) -> dict[str, Any]:
    """Train on one thread unless it was done before; a run that was interrupted goes on.

    Returns: miou (validation, of the best epoch), test_miou, test_accuracy, parameters, seconds of one core (not of the clock
    on the wall: other processes do not count).
    """
    done = job.folder / RESULT
    if done.exists():
        return json.loads(done.read_text())
    import torch

    from imexseg.models.artefact import load
    from imexseg.models.count import count_parameters
    from imexseg.training.config import RunConfig
    from imexseg.training.fit import fit, look_at_data
    from imexseg.training.run_folder import create_run_folder

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    config = RunConfig(**job.settings)
    assert config.data is not None
    resume = (job.folder / "last.ckpt").exists()
    if not resume:
        create_run_folder(job.folder, config)
    started = time.process_time()
    trained = fit(config, job.folder, look_at_data(config.data), Console(quiet=True), resume)
    result: dict[str, Any] = {"miou": trained.best_miou, "seconds": time.process_time() - started}
    weights = job.folder / "best.safetensors"
    result["parameters"] = count_parameters(load(weights))
    if job.recount:
        recount(weights, trained.description)
    if job.test:
        from imexseg.evaluation.evaluate import evaluate
        from imexseg.inference.open import open_predictor

        scores = evaluate(open_predictor(str(weights)), trained.description, "test").scores
        result |= {"test_miou": scores.miou, "test_accuracy": scores.accuracy}
    done.write_text(json.dumps(result))
    print(f"{job.folder.name}: " + ", ".join(f"{k} {v:.4g}" for k, v in result.items()), flush=True)
    return result


def train_whole(job: Job) -> dict[str, Any]:
    """As train_once, but a run that was stopped begins again: its seconds could not be told any more."""
    if job.folder.exists() and not (job.folder / RESULT).exists():
        shutil.rmtree(job.folder)
    return train_once(job)


def recount(weights: Path, description: DataDescription) -> None:
    """Batch statistics as the plain mean over the training split, with the weights as they are; the file is rewritten."""
    import torch

    from imexseg.data.pairs.pairs import list_pairs
    from imexseg.data.read.as_trained import as_trained
    from imexseg.data.read.images import read_image
    from imexseg.data.read.tensors import image_to_tensor
    from imexseg.models.artefact import load, save_weights

    network = load(weights)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    network.train()
    images = [
        image_to_tensor(as_trained(read_image(pair.image), network.info)[0])
        for pair in list_pairs(description, "train")
    ]
    with torch.no_grad():
        for first in range(0, len(images) - 7, 8):
            network(torch.stack(images[first : first + 8]))
    save_weights(weights, network, network.info)


def train_all(jobs: Sequence[Job], processes: int) -> list[dict[str, Any]]:
    """Those of all jobs, in their order; `processes` of them side by side."""
    if processes == 1:
        return [train_once(job) for job in jobs]
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=1) as pool:
        return pool.map(train_once, jobs, chunksize=1)
