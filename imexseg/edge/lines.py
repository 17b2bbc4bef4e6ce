"""What was found in a frame as one line of JSON, for programs that act on it, and who takes such lines."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

from imexseg.edge.frames import Frame
from imexseg.inference.areas import areas_of

_DIGITS = 6  # of a share: one pixel of a million


class Lines(Protocol):
    """Takes one line a frame, without its end."""

    def send(self, line: str) -> None: ...


class Printed:
    """Prints each line at once: who reads it through a pipe acts on it now. Args: write: as print."""

    def __init__(self, write: Callable[..., None] = print):
        self.write = write

    def send(self, line: str) -> None:
        self.write(line, flush=True)


def line_of(frame: Frame, classes: np.ndarray, names: Sequence[str], seconds: float, n_dropped: int) -> str:
    """One object of JSON, in ASCII, without line breaks.

    Keys: `time` when the frame was read (UTC, ISO 8601); `frame` its file, or its name; `width` and `height` in pixels; `pixels`
    and `shares` of each class by its name (shares of the whole frame, 0 to 1; classes of one name are added up); `ignored`,
    pixels that mean nothing; `ms` in the network; `dropped`, frames so far for which there was no time.
    Shapes: classes (H, W) uint8, 255 where the frame means nothing.
    """
    areas = areas_of(classes, len(names))
    pixels: dict[str, int] = {}
    for name, count in zip(names, areas.classes, strict=True):
        pixels[name] = pixels.get(name, 0) + count
    height, width = areas.size
    found = {
        "time": datetime.fromtimestamp(frame.taken, UTC).isoformat(timespec="milliseconds"),
        "frame": frame.label,
        "width": width,
        "height": height,
        "pixels": pixels,
        "shares": {name: round(count / classes.size, _DIGITS) for name, count in pixels.items()},
        "ignored": areas.ignored,
        "ms": round(1e3 * seconds, 3),
        "dropped": n_dropped,
    }
    return json.dumps(found)
