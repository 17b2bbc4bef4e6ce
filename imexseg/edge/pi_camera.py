"""Frames of a ribbon-cable camera of a Raspberry Pi, through picamera2, which comes with Raspberry Pi OS."""

from typing import Any

import numpy as np

from imexseg.edge.frames import Frame
from imexseg.edge.sources import Frames
from imexseg.errors import JobError, UsageError

SIZE = (640, 480)  # width and height, as OpenCV takes of other cameras


class PiCamera:
    """A camera that runs from now on. Args: which: its number, in words.

    Raises: UsageError if picamera2 is not there, or the camera is not, or is in use.
    """

    def __init__(self, which: str):
        if not which.isdecimal():
            raise UsageError(f"--input {which}: a camera is named by its number, 0 for the first")
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            raise UsageError(
                f"--source picamera2: it cannot be loaded ({error}); on Raspberry Pi OS: apt install python3-picamera2, and an "
                "environment made with --system-site-packages"
            ) from None
        self.name = f"picamera{which}"
        try:
            self.camera: Any = Picamera2(int(which))
            # What libcamera calls BGR888 has red first in memory.
            self.camera.configure(self.camera.create_video_configuration(main={"format": "BGR888", "size": SIZE}))
            self.camera.start()
        except (IndexError, RuntimeError, OSError) as error:
            raise UsageError(
                f"picamera2 {which}: cannot be opened ({error}); is it connected and free? rpicam-hello --list-cameras shows all"
            ) from None

    def frames(self) -> Frames:
        """Until nobody asks for more. Raises: JobError if the camera fails."""
        number = 0
        try:
            while True:
                try:
                    image = np.ascontiguousarray(self.camera.capture_array("main")[..., :3])
                except (RuntimeError, OSError) as error:
                    raise JobError(f"{self.name}: delivers no {'more ' if number else ''}frames ({error})") from None
                yield Frame(f"{self.name}_{number:06d}", image)
                number += 1
        finally:
            self.camera.close()
