"""report.html: a single file that opens offline."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader

from imexseg.data.description.labels import IGNORE
from imexseg.data.description.palette import Colour
from imexseg.evaluation.scores import Scores
from imexseg.files import write_atomically
from imexseg.inference.write_picture import colour_mask, displayable, jpeg_bytes, png_bytes
from imexseg.report import figures
from imexseg.report.receptive_field import distance_within, share_beyond

N_EXAMPLES = 6  # worst, and as many typical ones
LONGEST_SIDE = 512  # pixels of a picture in the report
SMALL = 256  # pixels: pictures up to this side are magnified, and keep hard edges
LARGEST_PNG = 48_000  # bytes: drawings stay below it and stay exact, photographs become JPEG


@dataclass(frozen=True)
class Example:
    """One image with its truth and its prediction; miou is that of this image alone.

    Shapes: image (H, W, C) uint8, uint16 or float32; truth and prediction (H, W) class numbers, uint8.
    """

    name: str
    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    miou: float
    loss: float | None = None  # of the label against the prediction


@dataclass(frozen=True)
class ReportContents:
    """Everything that the page shows."""

    title: str
    summary: dict[str, str]
    scores: Scores
    history: list[dict[str, Any]]  # epoch, train_loss, val_loss, val_miou of each epoch
    worst: list[Example]
    typical: list[Example]
    receptive_fields: tuple[np.ndarray, np.ndarray] | None  # with the solve, without
    names: list[str]
    palette: list[Colour]
    settings: dict[str, Any]
    environment: dict[str, str]
    commands: list[str]  # to run next
    advice: list[str] = field(default_factory=list)  # what would help most
    suspicious: list[Example] = field(default_factory=list)  # masks to look at again, worst first
    looked: tuple[int, int] = (0, 0)  # images looked at for them, and how many there are
    plan: list[dict[str, str]] = field(default_factory=list)  # what, value, why of each decision


def pick_examples(mious: list[float]) -> tuple[list[int], list[int]]:
    """Numbers of the six worst images, worst first, and of the six round the median that are not among them."""
    order = sorted(range(len(mious)), key=lambda number: mious[number])
    first = max(N_EXAMPLES, (len(order) - N_EXAMPLES) // 2)
    return order[:N_EXAMPLES], order[first : first + N_EXAMPLES]


def write_report(path: Path, contents: ReportContents) -> None:
    """Render the page. Raises: JobError if it cannot be written."""
    environment = Environment(
        loader=PackageLoader("imexseg.report", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    c = contents
    page = environment.get_template("template.html").render(
        c=c,
        classes=_class_rows(c),
        curves=[_svg_uri(figures.training_curves(c.history, c.settings["loss"], stacked)) for stacked in (False, True)],
        confusion=_svg_uri(figures.confusion_matrix(c.scores)),
        field=_field(c.receptive_fields),
        examples=[
            ("Worst", [_pictures(example, c.palette) for example in c.worst]),
            ("Typical, around the median", [_pictures(example, c.palette) for example in c.typical]),
        ],
        suspicious=[_pictures(example, c.palette) for example in c.suspicious],
        ignored=any((example.truth == IGNORE).any() for example in c.worst + c.typical + c.suspicious),
    )
    write_atomically(path, page)


def _class_rows(contents: ReportContents) -> list[dict[str, Any]]:
    scores = contents.scores
    truth = scores.confusion.sum(1)
    return [
        {
            "name": name,
            "colour": "#{:02x}{:02x}{:02x}".format(*colour),
            "iou": scores.iou[name],
            "dice": scores.dice[name],
            "share": float(pixels / max(truth.sum(), 1)),
        }
        for name, colour, pixels in zip(contents.names, contents.palette, truth, strict=True)
    ]


def _field(pair: tuple[np.ndarray, np.ndarray] | None) -> dict[str, Any] | None:
    """The picture for wide and narrow screens and the numbers of its caption; None if there is nothing to draw."""
    if pair is None or not all(np.isfinite(field).all() for field in pair):  # a network that diverged
        return None
    with_solve, without_solve = pair
    reach = distance_within(without_solve, share=1.0)
    return {
        "pictures": [_svg_uri(figures.receptive_field_pair(*pair, stacked)) for stacked in (False, True)],
        "reach": f"{reach:.0f}",
        "beyond": f"{100 * share_beyond(with_solve, reach):.0f}",
    }


def _pictures(example: Example, palette: list[Colour]) -> dict[str, Any]:
    pictures = {"input": _photo_uri(_shrunk(displayable(example.image), cv2.INTER_AREA))}
    for name, mask in (("truth", example.truth), ("prediction", example.prediction)):
        # Shrunk before it is coloured: no class is averaged into another, and the stripes keep their width.
        coloured = colour_mask(_shrunk(mask, cv2.INTER_NEAREST), palette)
        pictures[name] = _data_uri(png_bytes(coloured), "png")
    small = max(example.truth.shape) <= SMALL
    return {"name": example.name, "miou": example.miou, "loss": example.loss, "small": small, "pictures": pictures}


def _shrunk(pixels: np.ndarray, interpolation: int) -> np.ndarray:
    factor = LONGEST_SIDE / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    height, width = (max(1, round(factor * side)) for side in pixels.shape[:2])
    return cv2.resize(pixels, (width, height), interpolation=interpolation)


def _photo_uri(pixels: np.ndarray) -> str:
    png = png_bytes(pixels)
    return _data_uri(png, "png") if len(png) <= LARGEST_PNG else _data_uri(jpeg_bytes(pixels), "jpeg")


def _svg_uri(content: bytes) -> str:
    return _data_uri(content, "svg+xml")


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
