"""What imexseg evaluate writes, if asked to: a table of the images, and pictures of the worst."""

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from imexseg.cli.console import counted, in_words, messages, positive_int
from imexseg.errors import UsageError
from imexseg.files import require_unused
from imexseg.storage.places import Place, Url, as_place

if TYPE_CHECKING:
    from imexseg.data.description.data_yaml import DataDescription
    from imexseg.evaluation.evaluate import Evaluation, Perturb
    from imexseg.inference.open import AnyPredictor
    from imexseg.storage.mirror import Mirror

WORST = 10


def add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--per-image", metavar="FILE.csv", help="write a table: of each image its scores, and the IoU of each class"
    )
    parser.add_argument(
        "--save-errors",
        metavar="DIR",
        help="draw the worst images: image, mask, prediction and errors side by side, the worst first",
    )
    parser.add_argument(
        "--worst", type=positive_int, metavar="N", help=f"how many images --save-errors draws (default: {WORST})"
    )


def check_files(options: argparse.Namespace) -> None:
    """Before any work. Raises: UsageError for places that cannot be written to."""
    if options.worst is not None and options.save_errors is None:
        raise UsageError("--worst: says how many images --save-errors draws; add --save-errors DIR")
    for name in ("per_image", "save_errors"):
        place = None if getattr(options, name) is None else as_place(getattr(options, name))
        if isinstance(place, Url) and place.is_web:
            option = name.replace("_", "-")
            raise UsageError(
                f"--{option} {place}: nothing can be written to a web address; give s3://, gs:// or a folder"
            )
        if isinstance(place, Path) and name == "per_image" and place.is_dir():
            raise UsageError(f"--per-image {place}: is a folder; give the name of a new .csv")
        if isinstance(place, Path) and name == "save_errors":
            require_unused(place)


def write_files(
    options: argparse.Namespace,
    evaluation: "Evaluation",
    predictor: "AnyPredictor",
    description: "DataDescription",
    perturb: "Perturb | None",
    mirror: "Mirror | None",
) -> None:
    """Args: mirror: of data that lies elsewhere. Raises: WriteError."""
    from imexseg.evaluation.per_image import per_image_table
    from imexseg.storage.write import write_at

    if options.per_image is not None:

        def named(path: Path) -> str:
            return str(path) if mirror is None else mirror.named(str(path))

        write_at(as_place(options.per_image), per_image_table(evaluation, named))
    if options.save_errors is not None:
        _draw_worst(options, evaluation, predictor, description, perturb, mirror)


def _draw_worst(
    options: argparse.Namespace,
    evaluation: "Evaluation",
    predictor: "AnyPredictor",
    description: "DataDescription",
    perturb: "Perturb | None",
    mirror: "Mirror | None",
) -> None:
    """Each image is read and predicted once more, as it was counted."""
    from imexseg.evaluation.evaluate import class_table, read_pair
    from imexseg.evaluation.per_image import scores_of, worst_images
    from imexseg.inference.write_picture import png_bytes
    from imexseg.report.errors import error_picture
    from imexseg.storage.write import write_at

    folder: Place = as_place(options.save_errors)
    table = class_table(predictor, description)
    numbers = worst_images(evaluation, options.worst or WORST)
    for rank, number in enumerate(numbers, start=1):
        pair = evaluation.pairs[number]
        with mirror.present(pair.image, pair.mask) if mirror is not None else nullcontext():
            image, mask = read_pair(pair, description.names)
        truth = table[mask]
        seen = image if perturb is None else perturb([image], [truth], number)[0]
        classes = predictor.predict(seen, pair.image).classes
        picture = png_bytes(error_picture(seen, truth, classes, predictor.info.palette))
        miou = scores_of(evaluation, number).miou
        write_at(folder / f"{rank:0{len(str(len(numbers)))}}_{pair.image.stem}_miou-{miou:.3f}.png", picture)
    where = in_words(folder) if isinstance(folder, Path) else str(folder)
    messages.print(f"{counted(len(numbers), 'image')}, the worst first, in {where}")
