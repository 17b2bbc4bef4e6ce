"""Where frames come from: an image, a folder of images, a video, a camera or a GStreamer pipeline."""

import time
from collections.abc import Generator
from pathlib import Path

import cv2
import numpy as np

from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES
from imexseg.data.read.images import read_image_and_void
from imexseg.edge.frames import Frame
from imexseg.edge.gstreamer import open_pipeline
from imexseg.errors import JobError, UsageError

Frames = Generator[Frame, None, None]


def guess_kind(source: str) -> str:
    """The kind of what --source names: a number is a camera, a folder a folder, a file an image or a film by its ending.

    Raises: UsageError if there is nothing of that name.
    """
    if source.isdecimal():
        return "camera"
    path = Path(source)
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise UsageError(f"{source}: no such file or folder; give an image, a folder, a film or the number of a camera")
    return "image" if path.suffix.lower() in IMAGE_SUFFIXES else "video"


def images(files: list[tuple[str, Path]], failures: list[str]) -> Frames:
    """Every image that can be read, under the name that its results get; a line for each other one goes to `failures`."""
    for name, path in files:
        try:
            yield Frame(name, *read_image_and_void(path), path)
        except UsageError as error:
            failures.append(str(error))


class Film:
    """A film file, a camera or a pipeline. Frames of a live one come at its own speed, whatever becomes of them.

    Raises: UsageError if it cannot be opened.
    """

    def __init__(self, source: str, kind: str, live: bool):
        if kind == "camera" and not source.isdecimal():
            raise UsageError(f"--input {source}: a camera is named by its number, 0 for the first")
        if kind == "video" and not Path(source).is_file():
            raise UsageError(f"{source}: no such film file")
        if kind == "gst":
            self.capture = open_pipeline(source)
        else:
            self.capture = cv2.VideoCapture(int(source) if kind == "camera" else source)
        if not self.capture.isOpened():
            remedy = "is it connected and free?" if kind == "camera" else "is it a film, and undamaged?"
            raise UsageError(f"{kind} {source}: cannot be opened; {remedy}")
        self.name = {"camera": f"camera{source}", "gst": "gst"}.get(kind, Path(source).stem)
        self.kind = kind
        rate = self.capture.get(cv2.CAP_PROP_FPS)
        self.seconds_per_frame = 1 / rate if live and kind == "video" and 0 < rate < 1000 else 0.0

    def frames(self) -> Frames:
        """Every frame, once. Raises: JobError if not a single one can be read, or a camera stops delivering."""
        start = time.monotonic()
        number = 0
        try:
            while True:
                read, frame = self.capture.read()
                if not read:
                    break
                if self.seconds_per_frame:
                    time.sleep(max(0.0, start + number * self.seconds_per_frame - time.monotonic()))
                yield Frame(f"{self.name}_{number:06d}", np.ascontiguousarray(frame[..., ::-1]))
                number += 1
        finally:
            self.capture.release()  # by the thread that reads: OpenCV does not survive it from another one
        if number == 0 or self.kind == "camera":
            raise JobError(f"{self.name}: delivers no {'more ' if number else ''}frames")
