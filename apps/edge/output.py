"""Where the result for a frame goes: to a window, to files in a folder, or nowhere."""

import os
from pathlib import Path

import cv2
import numpy as np

from apps.edge.errors import JobError
from apps.edge.signals import StopSignal

_ESCAPE, _Q = 27, ord("q")
_TITLE = "imexseg"


def overlay(image: np.ndarray, classes: np.ndarray, palette: np.ndarray, opacity: float = 0.5) -> np.ndarray:
    """Class colours over the image; class 0, the background, shows the image itself.

    Shapes: image (H, W, C) RGB or grey of any depth, classes (H, W) uint8 → (H, W, 3) uint8 RGB.
    """
    shown = image[..., :3] if image.shape[2] >= 3 else np.repeat(image[..., :1], 3, axis=2)
    if shown.dtype != np.uint8:
        low, high = (0, np.iinfo(shown.dtype).max) if shown.dtype == np.uint16 else (shown.min(), shown.max())
        shown = np.round((shown - low) * (255 / (high - low or 1))).astype(np.uint8)
    shown = np.ascontiguousarray(shown)
    table = np.zeros((256, 3), dtype=np.uint8)
    table[: len(palette)] = palette
    blended = cv2.addWeighted(shown, 1 - opacity, table[classes], opacity, 0)
    return np.where((classes != 0)[..., None], blended, shown)


class Folder:
    """Writes <name>_mask.png (class numbers) and <name>_overlay.png, each whole or not at all.

    Raises: JobError naming the file if it cannot be written.
    """

    def __init__(self, folder: Path, palette: np.ndarray):
        self.folder = folder
        self.palette = palette
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JobError(f"{folder}: cannot be made ({error.strerror}); choose another --output") from None

    def show(self, name: str, image: np.ndarray, classes: np.ndarray) -> None:
        self._write(f"{name}_mask.png", classes)
        self._write(f"{name}_overlay.png", overlay(image, classes, self.palette)[..., ::-1])

    def _write(self, name: str, pixels: np.ndarray) -> None:
        target = self.folder / name
        partial = target.with_name(f".{name}.{os.getpid()}.part")
        try:
            partial.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
            partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise JobError(
                f"{target}: cannot be written ({error.strerror}); free some space or choose another --output"
            ) from None


class Window:
    """The overlay in a window; q, Escape or closing the window ends."""

    def __init__(self, palette: np.ndarray):
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


def open_window(palette: np.ndarray) -> Window | None:
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
