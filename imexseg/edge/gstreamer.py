"""Frames of a GStreamer pipeline, through OpenCV where it was built with it: its packages on PyPI are not."""

import re

import cv2

from imexseg.errors import UsageError

PREFIX = "gst:"  # of --source, before the pipeline
_END = "videoconvert ! video/x-raw,format=BGR ! appsink max-buffers=2"


def has_gstreamer() -> bool:
    """Whether this OpenCV can run pipelines."""
    return re.search(r"^\s*GStreamer:\s*YES", cv2.getBuildInformation(), re.MULTILINE) is not None


def completed(pipeline: str) -> str:
    """With the end that hands frames over in OpenCV's format, unless it has an appsink of its own."""
    return pipeline if "appsink" in pipeline else f"{pipeline.rstrip(' !')} ! {_END}"


def open_pipeline(pipeline: str) -> cv2.VideoCapture:
    """Args: pipeline: as for gst-launch-1.0, with or without an appsink at its end.

    Raises: UsageError if this OpenCV has no GStreamer, or the pipeline cannot be started.
    """
    if not pipeline.strip(" !"):
        raise UsageError("--source gst: names no pipeline; give one as for gst-launch-1.0, such as gst:v4l2src")
    if not has_gstreamer():
        raise UsageError(
            f"--source gst: this OpenCV ({cv2.__version__}) was built without GStreamer, as those on PyPI are; uninstall it here "
            "and use that of the system (Debian: apt install python3-opencv gstreamer1.0-plugins-good, and an environment made "
            "with --system-site-packages)"
        )
    capture = cv2.VideoCapture(completed(pipeline), cv2.CAP_GSTREAMER)
    if not capture.isOpened():
        raise UsageError(f"gst {pipeline}: cannot be started; does gst-launch-1.0 run it with fakesink at its end?")
    return capture
