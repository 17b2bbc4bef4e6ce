"""The report of a run: its best weights, applied to the validation images in the same way as `predict` does."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.pairs.pairs import list_pairs
from imexseg.data.read.as_trained import as_trained
from imexseg.data.read.images import read_image
from imexseg.data.read.tensors import image_to_tensor
from imexseg.evaluation.evaluate import Evaluation, confusion_matrix, evaluate, read_pair
from imexseg.evaluation.scores import Scores
from imexseg.inference.predictor import Predictor
from imexseg.layers.implicit import ImplicitSolve
from imexseg.layers.solve_modes import without_solve
from imexseg.models.artefact import load
from imexseg.models.contract import ImageNetwork
from imexseg.models.count import count_parameters
from imexseg.report.advice import advice
from imexseg.report.html import Example, ReportContents, pick_examples, write_report
from imexseg.report.receptive_field import effective_receptive_field
from imexseg.report.suspicious import Look, look_through
from imexseg.training.fit import TrainedRun
from imexseg.training.folds import Folds
from imexseg.training.run_folder import BEST, CONFIG, ENVIRONMENT, REPORT

FIELD_IMAGES = (
    16  # over which the receptive field is averaged, or fewer on a machine that is busy: a budget ends with the report
)
FIELD_SECONDS = 6.0  # with the solve, and as many without
LOOK_SECONDS, LOOK_SHARE = 10.0, 0.05  # for looking through all images again, or this share of the time of training


@dataclass(frozen=True)
class Reported:
    """Scores of the best weights on validation, and what would help most, a line each."""

    scores: Scores
    advice: list[str]


def report_on_run(
    folder: Path, run: TrainedRun, progress: Callable[[int, int], None], folds: Folds | None = None
) -> Reported:
    """Write report.html of a finished run, and of its folds if it has any."""
    network = load(folder / BEST)
    info = network.info
    evaluation = evaluate(Predictor(network), run.description, "val", progress)
    environment = json.loads((folder / ENVIRONMENT).read_text())
    settings = yaml.safe_load((folder / CONFIG).read_text())
    plan = settings.pop("plan", None)
    train = list_pairs(run.description, "train")
    seconds = LOOK_SHARE * run.seconds
    if not (plan or {}).get("limits", {}).get("budget"):
        seconds = max(LOOK_SECONDS, seconds)
    look = look_through(network, train, evaluation.pairs, seconds, progress)
    trained = Scores(tuple(info.names), look.confusion, look.looked) if look.confusion.any() else None
    said = advice(run.history, evaluation.scores, evaluation.confusions, trained)
    worst, typical = pick_examples([_miou(matrix, info.names) for matrix in evaluation.confusions])
    contents = ReportContents(
        title=f"{info.model} on {info.data['name']}",
        summary=_summary(network, evaluation.scores, run)
        | {name: fact for name, fact in environment.items() if name == "stopped"}
        | ({} if folds is None else {"cross-validation": folds.in_words()}),
        scores=evaluation.scores,
        history=run.history,
        worst=_examples(network, evaluation, worst),
        typical=_examples(network, evaluation, typical),
        receptive_fields=_receptive_fields(network, evaluation),
        names=info.names,
        palette=info.palette,
        settings=settings,
        environment=environment,
        commands=_commands(folder, run.description, plan),
        advice=said,
        suspicious=_suspicious(look, info.names),
        looked=(look.looked, look.of),
        plan=[] if plan is None else plan.get("decisions", []),
    )
    write_report(folder / REPORT, contents)
    return Reported(evaluation.scores, said)


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
    with_solve = effective_receptive_field(network, batch, FIELD_SECONDS)
    with without_solve(network):
        return with_solve, effective_receptive_field(network, batch, FIELD_SECONDS)


def _suspicious(look: Look, names: list[str]) -> list[Example]:
    return [
        Example(
            one.pair.mask.stem,
            one.image,
            one.truth,
            one.prediction,
            _miou(confusion_matrix(one.truth, one.prediction, len(names)), names),
            one.loss,
        )
        for one in look.doubtful
    ]


def _commands(folder: Path, description: DataDescription, plan: dict[str, Any] | None) -> list[str]:
    exported = [f"imexseg export {folder / BEST}"] if plan else []
    return [
        *exported,
        f"imexseg evaluate {folder / BEST} {description.root} --split test",
        f"imexseg predict IMAGE --weights {folder / BEST}",
        f"imexseg train --config {folder / CONFIG}",
    ]
