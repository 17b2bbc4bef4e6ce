"""Where frames come from: an image, a folder of images, a video or a camera."""

import time
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

import cv2
import numpy as np

from apps.edge.errors import JobError, UsageError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"})
# Upright by EXIF, 16 bits kept, alpha dropped, grey stays grey.
_AS_STORED = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR

cv2.utils.logging.setLogLevel(
    cv2.utils.logging.LOG_LEVEL_SILENT
)  # its own lines on files that cannot be opened; what is wrong is said here

Frames = Generator[tuple[str, np.ndarray], None, None]


def guess_kind(source: str) -> str:
    """The kind of what --input names: a number is a camera, a folder a folder, a file an image or a film by its ending.

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


def read_image(path: Path) -> np.ndarray:
    """(H, W, C) uint8, uint16 or float32, RGB or grey. Raises: UsageError naming the file if it cannot be read."""
    if not path.is_file():
        raise UsageError(f"{path}: no such image file")
    data = np.fromfile(path, dtype=np.uint8)
    try:
        image = cv2.imdecode(data, _AS_STORED) if data.size else None
    except cv2.error:
        image = None
    if image is None or image.dtype not in (np.uint8, np.uint16, np.float32):
        raise UsageError(
            f"{path}: is not an image that can be read, or it is damaged; use PNG, JPEG, TIFF, BMP or WebP"
        )
    return np.atleast_3d(image) if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1])


def image_files(folder: Path) -> list[Path]:
    """Raises: UsageError if the folder is missing or has no images."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.name[0] != ".")
    if not files:
        raise UsageError(f"{folder}: no images in this folder (looked for {', '.join(sorted(IMAGE_SUFFIXES))})")
    return files


def images(files: list[Path], failed: Callable[[UsageError], None]) -> Frames:
    """Every image that can be read; of each other one, `failed` is told why."""
    stems = Counter(path.stem for path in files)
    for path in files:
        try:
            image = read_image(path)
        except UsageError as error:
            failed(error)
            continue
        yield path.stem if stems[path.stem] == 1 else path.name.replace(".", "_"), image


class Film:
    """A film file or a camera. Frames of a live one come at its own speed, whatever becomes of them.

    Raises: UsageError if it cannot be opened.
    """

    def __init__(self, source: str, kind: str, live: bool):
        if kind == "camera" and not source.isdecimal():
            raise UsageError(f"--input {source}: a camera is named by its number, 0 for the first")
        if kind == "video" and not Path(source).is_file():
            raise UsageError(f"{source}: no such film file")
        self.capture = cv2.VideoCapture(int(source) if kind == "camera" else source)
        if not self.capture.isOpened():
            remedy = "is it connected and free?" if kind == "camera" else "is it a film, and undamaged?"
            raise UsageError(f"{kind} {source}: cannot be opened; {remedy}")
        self.name = f"camera{source}" if kind == "camera" else Path(source).stem
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
                yield f"{self.name}_{number:06d}", np.ascontiguousarray(frame[..., ::-1])
                number += 1
        finally:
            self.capture.release()  # by the thread that reads: OpenCV does not survive it from another one
        if number == 0 or self.kind == "camera":
            raise JobError(f"{self.name}: delivers no {'more ' if number else ''}frames")
