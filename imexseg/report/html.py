"""report.html: one file that opens without a network."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader

from imexseg.data.schema import Colour
from imexseg.evaluation.scores import Scores
from imexseg.files import write_atomically
from imexseg.report import figures
from imexseg.report.pictures import colour_mask, displayable, png_bytes

N_EXAMPLES = 6  # worst, and as many typical ones
LONGEST_SIDE = 512  # pixels of a picture in the report


@dataclass(frozen=True)
class Example:
    """One image with its truth and its prediction; miou is that of this image alone."""

    name: str
    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    miou: float


@dataclass(frozen=True)
class ReportContents:
    """Everything that the page shows."""

    title: str
    summary: dict[str, str]
    scores: Scores
    history: list[dict[str, Any]]
    worst: list[Example]
    typical: list[Example]
    receptive_fields: tuple[np.ndarray, np.ndarray] | None  # with the solve, without
    names: list[str]
    palette: list[Colour]
    settings: dict[str, Any]
    environment: dict[str, str]
    commands: list[str]


def pick_examples(mious: list[float]) -> tuple[list[int], list[int]]:
    """Numbers of the six worst images, worst first, and of the six nearest the median among the others."""
    order = sorted(range(len(mious)), key=lambda number: mious[number])
    worst, others = order[:N_EXAMPLES], order[N_EXAMPLES:]
    first = max(0, (len(others) - N_EXAMPLES) // 2)
    return worst, others[first : first + N_EXAMPLES]


def write_report(path: Path, contents: ReportContents) -> None:
    """Render the page. Raises: JobError if it cannot be written."""
    environment = Environment(loader=PackageLoader("imexseg.report", "."), autoescape=True)
    c = contents
    fields = c.receptive_fields
    page = environment.get_template("template.html").render(
        c=c,
        classes=_class_rows(c),
        curves=_data_uri(figures.training_curves(c.history), "svg+xml"),
        confusion=_data_uri(figures.confusion_picture(c.scores), "svg+xml"),
        fields=_data_uri(figures.receptive_field_pair(*fields), "png") if fields else None,
        examples=[
            ("Worst images", [_pictures(example, c.palette) for example in c.worst]),
            ("Typical images", [_pictures(example, c.palette) for example in c.typical]),
        ],
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


def _pictures(example: Example, palette: list[Colour]) -> dict[str, Any]:
    shown = {
        "input": displayable(example.image),
        "truth": colour_mask(example.truth, palette),
        "prediction": colour_mask(example.prediction, palette),
    }
    pictures = {name: _data_uri(png_bytes(_shrunk(pixels)), "png") for name, pixels in shown.items()}
    return {"name": example.name, "miou": example.miou, "pictures": pictures}


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    factor = LONGEST_SIDE / max(pixels.shape[:2])
    return pixels if factor >= 1 else cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
