"""imexseg evaluate: score weights against the masks of a data set."""

import argparse
import json
from pathlib import Path

from imexseg.cli.console import positive_int, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "weights", metavar="WEIGHTS", help="a .safetensors file, a run folder, or the name of shipped weights"
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="a folder with data.yaml, or the file itself")
    parser.add_argument("--split", choices=["train", "val", "test"], default="val", help="(default: val)")
    parser.add_argument("--tile", type=positive_int, metavar="N", help="cut larger images into pieces, as predict does")
    parser.add_argument("--tta", action="store_true", help="average over flips and three scales, as predict does")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for weights or data that cannot be read or do not belong together."""
    from imexseg.data.schema import load_description
    from imexseg.inference.evaluate import evaluate
    from imexseg.inference.predictor import Predictor
    from imexseg.inference.tiling import AnyPredictor, TiledPredictor
    from imexseg.inference.tta import AugmentedPredictor
    from imexseg.models.artefact import load
    from imexseg.models.facts import count_parameters
    from imexseg.models.shipped import find_weights

    network = load(find_weights(options.weights))
    description = load_description(options.data)
    predictor: AnyPredictor = Predictor(network)
    predictor = AugmentedPredictor(predictor) if options.tta else predictor
    predictor = TiledPredictor(predictor, options.tile) if options.tile else predictor
    with progress_bar("images") as progress:
        scores = evaluate(predictor, description, options.split, progress).scores
    parameters = count_parameters(network)
    if options.json:
        print(json.dumps(scores.as_dict() | {"parameters": parameters}))
        return 0
    print(f"{scores.images} images of {options.split}, {parameters} parameters")
    width = max(len(name) for name in (*scores.names, "mean of those present"))
    print(f"{'class':{width}}  {'IoU':>6}  {'Dice':>6}")
    for name in scores.names:
        values = (scores.iou[name], scores.dice[name])
        cells = "  ".join(f"{value:6.4f}" if value is not None else "absent" for value in values)
        print(f"{name:{width}}  {cells}")
    print(f"{'mean of those present':{width}}  {scores.miou:6.4f}")
    print(f"{'pixel accuracy':{width}}  {scores.accuracy:6.4f}")
    return 0
