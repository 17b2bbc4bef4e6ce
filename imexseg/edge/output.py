"""Where the result for a frame goes: to a window, to files in a folder, or nowhere."""

import os
from pathlib import Path

import cv2
import numpy as np

from imexseg.data.description.palette import Colour
from imexseg.edge.signals import StopSignal
from imexseg.errors import JobError
from imexseg.files import write_atomically
from imexseg.inference.write_mask import in_values
from imexseg.inference.write_picture import overlay, png_bytes
from imexseg.models.prediction_info import PredictionInfo

_ESCAPE, _Q = 27, ord("q")
_TITLE = "imexseg"


class Folder:
    """Writes <name>_mask.png, in the numbers of the user's masks, and <name>_overlay.png, each whole or not at all.

    Raises: JobError naming the file if it cannot be written.
    """

    def __init__(self, folder: Path, info: PredictionInfo):
        self.folder = folder
        self.info = info
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JobError(f"{folder}: cannot be made ({error.strerror}); choose another --output") from None

    def show(self, name: str, image: np.ndarray, classes: np.ndarray) -> None:
        numbers = in_values(classes, self.info.values)
        write_atomically(self.folder / f"{name}_mask.png", png_bytes(numbers))
        write_atomically(self.folder / f"{name}_overlay.png", png_bytes(overlay(image, classes, self.info.palette)))


class Window:
    """The overlay in a window; q, Escape or closing the window ends."""

    def __init__(self, palette: list[Colour]):
        self.palette = palette
        self.closed = False
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL)

    def show(self, name: str, image: np.ndarray, classes: np.ndarray) -> None:
        cv2.imshow(_TITLE, np.ascontiguousarray(overlay(image, classes, self.palette)[..., ::-1]))
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
