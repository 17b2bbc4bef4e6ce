"""The report of a run: its best weights, applied to the validation images in the same way as `predict` does."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import yaml

from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.read.as_trained import as_trained
from imexseg.data.read.images import read_image
from imexseg.data.read.tensors import image_to_tensor
from imexseg.evaluation.evaluate import Evaluation, evaluate, read_pair
from imexseg.evaluation.scores import Scores
from imexseg.inference.predictor import Predictor
from imexseg.layers.implicit import ImplicitSolve, without_solve
from imexseg.models.artefact import load
from imexseg.models.contract import ImageNetwork
from imexseg.models.count import count_parameters
from imexseg.report.html import Example, ReportContents, pick_examples, write_report
from imexseg.report.receptive_field import effective_receptive_field
from imexseg.training.fit import TrainedRun
from imexseg.training.run_folder import BEST, CONFIG, ENVIRONMENT, REPORT

FIELD_IMAGES = 16  # over which the receptive field is averaged


def report_on_run(folder: Path, run: TrainedRun, progress: Callable[[int, int], None]) -> Scores:
    """Write report.html of a finished run. Returns: the scores of its best weights on the validation images."""
    network = load(folder / BEST)
    info = network.info
    evaluation = evaluate(Predictor(network), run.description, "val", progress)
    environment = json.loads((folder / ENVIRONMENT).read_text())
    worst, typical = pick_examples([_miou(matrix, info.names) for matrix in evaluation.confusions])
    contents = ReportContents(
        title=f"{info.model} on {info.data['name']}",
        summary=_summary(network, evaluation.scores, run)
        | {name: fact for name, fact in environment.items() if name == "stopped"},
        scores=evaluation.scores,
        history=run.history,
        worst=_examples(network, evaluation, worst),
        typical=_examples(network, evaluation, typical),
        receptive_fields=_receptive_fields(network, evaluation),
        names=info.names,
        palette=info.palette,
        settings=yaml.safe_load((folder / CONFIG).read_text()),
        environment=environment,
        commands=_commands(folder, run.description),
    )
    write_report(folder / REPORT, contents)
    return evaluation.scores


def _miou(confusion: np.ndarray, names: list[str]) -> float:
    return Scores(tuple(names), confusion, 1).miou


def _summary(network: ImageNetwork, scores: Scores, run: TrainedRun) -> dict[str, str]:
    epochs = sum(row["seconds"] for row in run.history)
    return {
        "model": network.info.model,
        "equation": network.equation or network.info.model,
        "parameters": f"{count_parameters(network):,}".replace(",", " "),
        "validation mIoU": f"{scores.miou:.4f}",
        "best epoch": f"{run.best_epoch} of {len(run.history)}",
        "training time": f"{epochs:.0f} s",
    }


def _examples(network: ImageNetwork, evaluation: Evaluation, numbers: list[int]) -> list[Example]:
    predictor, names = Predictor(network), list(network.info.names)
    examples = []
    for number in numbers:
        pair = evaluation.pairs[number]
        image, truth = read_pair(pair, names)
        miou = _miou(evaluation.confusions[number], names)
        examples.append(Example(pair.image.stem, image, truth, predictor.predict(image, pair.image).classes, miou))
    return examples


def _receptive_fields(network: ImageNetwork, evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray] | None:
    """With the solve and, on the same weights, without; None for a network that has no solve."""
    if not any(isinstance(module, ImplicitSolve) for module in network.modules()):
        return None
    images: list[torch.Tensor] = []
    for pair in evaluation.pairs[:FIELD_IMAGES]:
        image = as_trained(read_image(pair.image), network.info, pair.image)[0]
        tensor = image_to_tensor(image)
        if not images or tensor.shape == images[0].shape:
            images.append(tensor)
    batch = torch.stack(images)
    with_solve = effective_receptive_field(network, batch)
    with without_solve(network):
        return with_solve, effective_receptive_field(network, batch)


def _commands(folder: Path, description: DataDescription) -> list[str]:
    return [
        f"imexseg evaluate {folder / BEST} {description.root} --split test",
        f"imexseg predict IMAGE --weights {folder / BEST}",
        f"imexseg train --config {folder / CONFIG}",
    ]
