"""Where the result for a frame goes: to a window, to files in a folder, or nowhere."""

import os
from pathlib import Path

import cv2
import numpy as np

from imexseg.data.description.palette import Colour
from imexseg.edge.frames import Frame
from imexseg.edge.signals import StopSignal
from imexseg.errors import JobError
from imexseg.files import write_atomically
from imexseg.inference.write_files import mask_and_overlay
from imexseg.inference.write_picture import overlay
from imexseg.models.prediction_info import PredictionInfo

_ESCAPE, _Q = 27, ord("q")
_TITLE = "imexseg"


class Folder:
    """Writes what `imexseg predict` writes of an image, each file whole or not at all.

    Raises: JobError naming the file if it cannot be written.
    """

    def __init__(self, folder: Path, info: PredictionInfo):
        self.folder = folder
        self.info = info
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JobError(f"{folder}: cannot be made ({error.strerror}); choose another --output") from None

    def show(self, frame: Frame, classes: np.ndarray) -> str | None:
        """Returns: what could not be kept, in words."""
        files, lost = mask_and_overlay(frame.image, classes, frame.void, self.info, frame.path)
        for ending, content in files.items():
            write_atomically(self.folder / f"{frame.name}_{ending}", content)
        return lost


class Window:
    """The overlay in a window; q, Escape or closing the window ends."""

    def __init__(self, palette: list[Colour]):
        self.palette = palette
        self.closed = False
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL)

    def show(self, frame: Frame, classes: np.ndarray) -> None:
        cv2.imshow(_TITLE, np.ascontiguousarray(overlay(frame.image, classes, self.palette)[..., ::-1]))
        key = cv2.waitKey(1) & 0xFF
        self.closed = key in (_ESCAPE, _Q) or cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1

    def hold(self, stop: StopSignal) -> None:
        """Keep a still picture until a key is pressed, the window closed, or a signal comes."""
        while not self.closed and not stop.received:
            self.closed = cv2.waitKey(50) >= 0 or cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1

    def close(self) -> None:
        cv2.destroyAllWindows()


def open_window(palette: list[Colour]) -> Window | None:
    """None where OpenCV has no windows (the headless build) or the machine no screen."""
    on_linux_without_screen = (
        os.name == "posix"
        and os.uname().sysname == "Linux"
        and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    )
    if on_linux_without_screen:  # Qt would end the process instead of raising
        return None
    try:
        return Window(palette)
    except cv2.error:
        return None
