"""A page of the images to label next, each beside what the network makes of it. A single file that opens offline."""

import base64
import csv
import io
from dataclasses import dataclass

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader

from imexseg.data.description.palette import Colour
from imexseg.inference.write_picture import displayable, jpeg_bytes, overlay

LONGEST_SIDE = 320  # pixels of a picture


@dataclass(frozen=True, eq=False)
class Candidate:
    """Shapes: image (H, W, C), classes (H, W) uint8. distance: to the nearest image that is labelled or chosen before."""

    name: str
    image: np.ndarray
    classes: np.ndarray
    confidence: float
    distance: float


def as_page(candidates: list[Candidate], palette: list[Colour]) -> str:
    """HTML, in the order of the candidates."""
    environment = Environment(
        loader=PackageLoader("imexseg.report", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    cards = []
    for candidate in candidates:
        shown = displayable(candidate.image)
        pictures = [_uri(shown), _uri(overlay(shown, candidate.classes, palette))]
        facts = f"confidence {candidate.confidence:.3f}, distance {candidate.distance:.3f}"
        cards.append({"name": candidate.name, "facts": facts, "pictures": pictures})
    return environment.get_template("contact_sheet.html").render(cards=cards)


def as_csv(candidates: list[Candidate]) -> bytes:
    """UTF-8: file, confidence, distance."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "confidence", "distance"])
    for candidate in candidates:
        writer.writerow([candidate.name, f"{candidate.confidence:.6f}", f"{candidate.distance:.6f}"])
    return text.getvalue().encode(errors="surrogateescape")


def _uri(pixels: np.ndarray) -> str:
    factor = min(1.0, LONGEST_SIDE / max(pixels.shape[:2]))
    size = [max(1, round(factor * side)) for side in pixels.shape[1::-1]]
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg_bytes(small)).decode()}"
