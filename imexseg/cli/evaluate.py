"""imexseg evaluate: score weights against the masks of a data set."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from imexseg.cli.console import fraction, messages, non_negative_float, positive_int, progress_bar, seed
from imexseg.cli.engine import add_engine, check_engine, data_here, pool_of, setup_of, wants_ray, weights_here
from imexseg.cli.evaluate_files import add_files, check_files, write_files
from imexseg.cli.tables import print_table
from imexseg.errors import UsageError

if TYPE_CHECKING:
    from imexseg.data.pairs.pairs import Pair
    from imexseg.evaluation.evaluate import Counted
    from imexseg.evaluation.robustness import Perturbation
    from imexseg.inference.open import AnyPredictor
    from imexseg.storage.mirror import Mirror


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "weights", metavar="WEIGHTS", help="a .safetensors or .onnx file, a run folder, or the name of shipped weights"
    )
    parser.add_argument("data", metavar="DATA", help="a folder with data.yaml, or the file itself")
    parser.add_argument(
        "--split", choices=["train", "val", "test"], default="val", help="the images to score on (default: val)"
    )
    parser.add_argument("--tile", type=positive_int, metavar="N", help="cut larger images into pieces, as predict does")
    parser.add_argument("--tta", action="store_true", help="average over flips and three scales, as predict does")
    parser.add_argument(
        "--boundary",
        type=non_negative_float,
        metavar="PX",
        help="also score boundaries: the F-score of those that are met within PX pixels; 2 is usual for small images",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_files(parser)
    add_engine(parser)
    robustness = parser.add_argument_group(
        "robustness",
        "F is a fraction of the largest pixel value: 0.0314 is 8 grey levels of 255. Images stay in range.",
    )
    robustness.add_argument("--noise", type=fraction, metavar="F", help="add Gaussian noise of this standard deviation")
    robustness.add_argument(
        "--attack", choices=["fgsm", "pgd"], help="change the images against the network's gradient"
    )
    robustness.add_argument("--epsilon", type=fraction, metavar="F", help="how far an attack may change a pixel value")
    robustness.add_argument(
        "--attack-steps", type=positive_int, metavar="N", help="number of steps of pgd (default: 10)"
    )
    robustness.add_argument(
        "--seed", type=seed, default=0, help="seed of the noise and of pgd's starting point (default: 0)"
    )


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for weights or data that cannot be read or do not belong together."""
    check_robustness(options)
    check_engine(options)
    check_files(options)
    with weights_here(options.weights) as weights, data_here(options.data) as (data, mirror):
        return _evaluate(options, str(weights), data, mirror)


def _evaluate(options: argparse.Namespace, weights: str, data: Path, mirror: "Mirror | None") -> int:
    from imexseg.data.description.data_yaml import load_description
    from imexseg.evaluation.evaluate import BLOCK, Measures, count_pairs, evaluate
    from imexseg.inference.confidence import temperature_in_words
    from imexseg.inference.onnx_predictor import OnnxPredictor
    from imexseg.inference.open import AnyPredictor, open_predictor
    from imexseg.inference.tiling import TiledPredictor
    from imexseg.inference.tta import AugmentedPredictor

    opened = open_predictor(weights)
    if options.attack and isinstance(opened, OnnxPredictor):
        raise UsageError(
            f"{weights}: an exported network has no gradients to attack with; give its .safetensors weights"
        )
    on_ray = options.engine == "ray"
    description = load_description(data.absolute() if on_ray else data)
    if mirror is not None:
        mirror.require_inside(description.images, description.masks)
    predictor: AnyPredictor = AugmentedPredictor(opened) if options.tta else opened
    predictor = TiledPredictor(predictor, options.tile) if options.tile else predictor
    perturb = perturbation(options, opened)

    measures = Measures(options.boundary, opened.gives_probabilities, opened.info.temperature or 1.0)

    def count(pairs: "list[Pair]") -> "Iterator[Counted]":
        if not wants_ray(options, len(pairs)):
            yield from count_pairs(predictor, description, pairs, 0, perturb, mirror, measures)
            return
        from imexseg.distributed.commands import evaluate_on

        sent = None if perturb is None else replace(perturb, network=None)
        with pool_of(options, -(-len(pairs) // BLOCK), setup_of(options, weights, opened)) as pool:
            yield from evaluate_on(pool, pairs, description, sent, mirror, measures)

    with progress_bar("images") as progress:
        evaluation = evaluate(predictor, description, options.split, progress, perturb, count, measures)
    for line in evaluation.remarks:
        messages.print(line if mirror is None else mirror.named(line))
    write_files(options, evaluation, predictor, description, perturb, mirror)
    scores, boundary = evaluation.scores, evaluation.boundary
    parameters = opened.parameters
    error = evaluation.calibration.error if evaluation.calibration is not None else None
    if options.json:
        setting = {"perturbation": perturb.as_dict()} if perturb else {}
        edges = {"boundary_f": boundary.f_score, "mean_boundary_f": boundary.mean} if boundary else {}
        calibration = {"ece": error, "temperature": measures.temperature}
        print(json.dumps(scores.as_dict() | {"parameters": parameters} | setting | edges | calibration))
        return 0
    under = f", under {perturb.in_words}" if perturb else ""
    print(f"{scores.images} images of {options.split}, {parameters} parameters{under}")
    columns = [scores.iou, scores.dice, *([boundary.f_score] if boundary else [])]
    means = [_score(scores.miou), "", *([_score(boundary.mean)] if boundary else [])]
    blank = [""] * (len(columns) - 1)
    print_table(
        [(name, *(_score(column[name]) for column in columns)) for name in scores.names],
        head=("class", "IoU", "Dice", *([f"boundary F, {options.boundary:g} px"] if boundary else [])),
        summary=[("mean of those present", *means), ("pixel accuracy", _score(scores.accuracy), *blank)],
    )
    if error is not None:
        print(f"expected calibration error {error:.4f}, {temperature_in_words(opened.info)}")
    return 0


def _score(value: float | None) -> str:
    return "absent" if value is None else f"{value:.4f}"


def perturbation(options: argparse.Namespace, predictor: "AnyPredictor") -> "Perturbation | None":
    """What is done to the images first, if anything."""
    if options.noise is None and not options.attack:
        return None
    from imexseg.evaluation.robustness import Perturbation

    return Perturbation(
        predictor.info,
        options.noise or 0.0,
        options.attack,
        options.epsilon or 0.0,
        options.attack_steps or 10,
        options.seed,
        getattr(predictor, "network", None),
    )


def check_robustness(options: argparse.Namespace) -> None:
    """Raises: UsageError for options that say nothing without another, or exclude each other."""
    if options.attack and options.noise is not None:
        raise UsageError("--noise and --attack: give only one of them, so that the score measures one effect")
    if options.attack and options.epsilon is None:
        raise UsageError(f"--attack {options.attack}: needs --epsilon, for instance --epsilon 0.0314 (8 of 255)")
    if options.epsilon is not None and not options.attack:
        raise UsageError("--epsilon: sets the strength of an attack; add --attack fgsm or --attack pgd")
    if options.attack_steps and options.attack != "pgd":
        raise UsageError("--attack-steps: only pgd takes steps; add --attack pgd")
