"""The scores of every image, as a table."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from imexseg.evaluation.evaluate import Evaluation
from imexseg.evaluation.scores import Scores


def scores_of(evaluation: Evaluation, number: int) -> Scores:
    """Of one image alone."""
    return Scores(evaluation.scores.names, evaluation.confusions[number], 1)


def worst_images(evaluation: Evaluation, most: int) -> list[int]:
    """Their numbers, that of the lowest mIoU first. Images without a pixel that counts are not among them."""
    counted = [number for number, confusion in enumerate(evaluation.confusions) if confusion.any()]
    return sorted(counted, key=lambda number: scores_of(evaluation, number).miou)[:most]


def per_image_table(evaluation: Evaluation, named: Callable[[Path], str] = str) -> bytes:
    """CSV in UTF-8: file, mIoU, pixel accuracy, mean boundary F and calibration error where measured, and the IoU of each class.

    Cells are empty where a class is absent, and where no pixel of an image counts.
    Args: named: how a file is called.
    """
    names = evaluation.scores.names
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    extra = ["boundary_f"] * bool(evaluation.boundaries) + ["ece"] * bool(evaluation.calibrations)
    writer.writerow(["file", "miou", "accuracy", *extra, *(f"iou {name}" for name in names)])
    for number, pair in enumerate(evaluation.pairs):
        scores = scores_of(evaluation, number)
        means: list[float | None] = [scores.miou, scores.accuracy] if np.any(scores.confusion) else [None, None]
        if evaluation.boundaries:
            means.append(evaluation.boundaries[number].mean)
        if evaluation.calibrations:
            means.append(evaluation.calibrations[number].error)
        cells = [*means, *(scores.iou[name] for name in names)]
        writer.writerow([named(pair.image), *("" if cell is None else f"{cell:.6f}" for cell in cells)])
    return text.getvalue().encode(errors="surrogateescape")
