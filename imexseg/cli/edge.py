"""imexseg edge: segment images, videos or a camera with an exported network, live and without torch."""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from imexseg.cli.console import messages, non_negative_int, positive_float, positive_int
from imexseg.errors import ImexsegError, JobError, UsageError

if TYPE_CHECKING:
    from imexseg.edge.sources import Frames

STILL = ("image", "folder")
KINDS = (*STILL, "video", "camera", "picamera2", "gst")
ENGINES = ("onnxruntime", "ncnn", "litert")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="FILE.onnx", help="a network that `imexseg export` wrote")
    parser.add_argument(
        "--source",
        metavar="SOURCE",
        help=f"{', '.join(KINDS)} (then --input says which one), or simply a path, the number of a camera, or "
        "gst:PIPELINE for GStreamer",
    )
    parser.add_argument("--input", metavar="WHICH", help="path, pipeline, or number of the camera (default: 0)")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="write <name>_mask.png and <name>_overlay.png of every frame here"
    )
    parser.add_argument("--headless", action="store_true", help="do not open a window")
    parser.add_argument(
        "--json-lines", action="store_true", help="print a line of JSON for every frame: time, area of each class"
    )
    parser.add_argument(
        "--mqtt",
        metavar="HOST[:PORT]/TOPIC",
        help="publish these lines; mqtts://HOST/TOPIC for TLS; credentials in IMEXSEG_MQTT_USER, IMEXSEG_MQTT_PASSWORD",
    )
    parser.add_argument("--quiet", action="store_true", help="do not report the speed every two seconds")
    parser.add_argument(
        "--every-frame", action="store_true", help="drop no frame of a video: the video waits for the network"
    )
    parser.add_argument(
        "--white",
        type=positive_float,
        metavar="N",
        help="the pixel value that means white, if it is not the largest of its type: 4095 for 12 bits in a 16-bit file",
    )
    parser.add_argument("--queue", type=positive_int, default=2, metavar="N", help="frames that may wait (default: 2)")
    parser.add_argument(
        "--threads",
        type=non_negative_int,
        default=0,
        metavar="N",
        help="threads of the network (default: 0, as many as there are cores)",
    )
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default=ENGINES[0],
        help="what computes the layers of a core file (imexseg export --core); ncnn and litert need their own files beside it",
    )
    parser.add_argument(
        "--benchmark",
        action="store_true",
        help="measure time and memory of one image (--source FILE; default: noise) for five seconds",
    )
    parser.add_argument("--json", action="store_true", help="with --benchmark: print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for a model or a source that cannot be read; JobError if some images failed, or the disk is full."""
    if options.benchmark:
        return _benchmark(options)
    if options.json:
        raise UsageError("--json: goes with --benchmark; --json-lines prints a line for every frame")
    from imexseg.edge.engines.choose import predictor_on
    from imexseg.edge.frames import FrameQueue
    from imexseg.edge.lines import Lines, Printed
    from imexseg.edge.mqtt import Broker, read_address
    from imexseg.edge.output import Folder, open_window
    from imexseg.edge.run import say, segment_all
    from imexseg.edge.signals import StopSignal
    from imexseg.inference.write_mask import ignored_in_words, values_in_words

    kind, which = _source(options)
    address = read_address(options.mqtt) if options.mqtt is not None else None
    still = kind in STILL
    failures: list[str] = []
    predictor = predictor_on(options.engine, options.model, options.threads)
    frames = _frames(kind, which, options, failures)
    folder = Folder(options.output, predictor.info) if options.output else None
    broker = Broker(address, os.environ, say) if address is not None else None
    lines: list[Lines] = [Printed()] if options.json_lines else []
    if broker is not None:
        lines.append(broker)
    window = None if options.headless else open_window(predictor.info.palette)
    if window is None and not options.headless:
        where = f"results go to {options.output}" if folder else "without --output, only the speed is shown"
        where = "lines go on" if lines and not folder else where
        messages.print(f"no window can be opened here: continuing without one; {where}")
    queue = FrameQueue(options.queue, every_frame=still or options.every_frame)
    try:
        with StopSignal() as stop:
            speed = segment_all(
                predictor,
                frames,
                queue,
                window,
                folder,
                stop,
                options.white,
                failures if still else None,
                lines,
                options.quiet,
            )
            if window and still:
                window.hold(stop)
    finally:
        if window:
            window.close()
        undelivered = broker.close() if broker is not None else None
    if speed.n_frames:
        messages.print(speed.in_words(queue.n_dropped))
    if speed.n_frames and folder:
        numbers = values_in_words(predictor.info.names, predictor.info.values)
        if numbers is not None:
            messages.print(numbers)
        if speed.voids:
            messages.print(ignored_in_words(speed.voids, predictor.info.names, predictor.info.values))
    if undelivered is not None and queue.every_frame:
        raise JobError("\n".join([*failures, undelivered]))
    if undelivered is not None:  # a live source drops frames, too
        messages.print(undelivered)
    if failures:
        raise _failed("\n".join(failures), kind)
    return 0


def _benchmark(options: argparse.Namespace) -> int:
    """Raises: UsageError for anything but one image, or what measuring has no use for."""
    for name in ("output", "json_lines", "mqtt", "every_frame"):
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')}: has no meaning with --benchmark, which shows times only")
    from imexseg.data.read.images import read_image_and_void
    from imexseg.edge.benchmark import measure
    from imexseg.edge.engines.choose import predictor_on
    from imexseg.edge.frames import Frame

    frame = None
    if options.source is not None:
        kind, which = _source(options)
        if kind != "image":
            raise UsageError(f"--source {which}: --benchmark takes one image file, or noise without --source")
        frame = Frame(Path(which).stem, *read_image_and_void(Path(which)), Path(which))
    measured = measure(
        lambda: predictor_on(options.engine, options.model, options.threads), options.engine, frame, options.white
    )
    if options.json:
        print(json.dumps(measured.as_dict()))
    else:
        print("\n".join(measured.in_words()))
    if measured.is_disturbed:
        messages.print(f"other programs kept {measured.load} cores busy before: an idle machine is faster")
    return 0


def _frames(kind: str, which: str, options: argparse.Namespace, failures: list[str]) -> "Frames":
    """Raises: UsageError if the source cannot be opened."""
    from imexseg.cli.inputs import find_images, unique_stems
    from imexseg.edge.pi_camera import PiCamera
    from imexseg.edge.sources import Film, images

    if kind == "picamera2":
        return PiCamera(which).frames()
    if kind not in STILL:
        return Film(which, kind, live=not options.every_frame).frames()
    found, remarks = find_images([which], options.output or Path())
    for line in remarks:
        messages.print(line)
    paths = [image.path for image in found if isinstance(image.path, Path)]
    if len(paths) < len(found):
        raise UsageError(f"--input {which}: edge reads files of this machine; copy them here, or use imexseg predict")
    return images(list(zip(unique_stems(found), paths, strict=True)), failures)


def _failed(lines: str, kind: str) -> ImexsegError:
    """One image that cannot be used is a mistake in what was asked for; of a folder, the others were segmented."""
    return UsageError(lines) if kind == "image" else JobError(lines)


def _source(options: argparse.Namespace) -> tuple[str, str]:
    """Kind and name of where frames come from. Raises: UsageError if it is not said, or there is nothing of that name."""
    from imexseg.edge.gstreamer import PREFIX
    from imexseg.edge.sources import guess_kind

    kind, which = options.source, options.input
    if kind is None:
        raise UsageError(f"--source: say where frames come from: {', '.join(KINDS)}, or simply a path")
    if kind.startswith(PREFIX) and which is None:
        return "gst", kind.removeprefix(PREFIX)
    if kind not in KINDS:
        if which is not None:
            raise UsageError(f"--source {kind}: with --input it must be one of {', '.join(KINDS)}")
        return guess_kind(options.source), options.source
    if which is None and kind not in ("camera", "picamera2"):
        raise UsageError(f"--source {kind}: say which with --input {'PIPELINE' if kind == 'gst' else 'PATH'}")
    which = which or "0"
    path = Path(which)
    if kind == "folder" and not path.is_dir():
        raise UsageError(f"{which}: no such folder")
    if kind == "image" and not path.is_file():
        raise UsageError(f"{which}: no such image file")
    return kind, which
