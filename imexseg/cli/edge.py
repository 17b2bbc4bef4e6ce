"""imexseg edge: segment images, videos or a camera with an exported network, live and without torch."""

import argparse
from pathlib import Path

from imexseg.cli.console import messages, non_negative_int, positive_float, positive_int
from imexseg.errors import ImexsegError, JobError, UsageError

KINDS = ("image", "folder", "video", "camera")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="FILE.onnx", help="a network that `imexseg export` wrote")
    parser.add_argument(
        "--source",
        required=True,
        metavar="SOURCE",
        help=f"{', '.join(KINDS)} (then --input says which one), or simply a path or the number of a camera",
    )
    parser.add_argument("--input", metavar="WHICH", help="path, or number of the camera (default: 0)")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="write <name>_mask.png and <name>_overlay.png of every frame here"
    )
    parser.add_argument("--headless", action="store_true", help="do not open a window")
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


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for a model or a source that cannot be read; JobError if some images failed, or the disk is full."""
    from imexseg.cli.inputs import find_images, unique_stems
    from imexseg.edge.frames import FrameQueue
    from imexseg.edge.output import Folder, open_window
    from imexseg.edge.run import segment_all
    from imexseg.edge.signals import StopSignal
    from imexseg.edge.sources import Film, images
    from imexseg.inference.onnx_predictor import OnnxPredictor
    from imexseg.inference.write_mask import ignored_in_words, values_in_words

    kind, which = _source(options)
    still = kind in ("image", "folder")
    failures: list[str] = []
    predictor = OnnxPredictor(options.model, options.threads)
    if still:
        found, remarks = find_images([which], options.output or Path())
        for line in remarks:
            messages.print(line)
        paths = [image.path for image in found if isinstance(image.path, Path)]
        if len(paths) < len(found):
            raise UsageError(
                f"--input {which}: edge reads files of this machine; copy them here, or use imexseg predict"
            )
        frames = images(list(zip(unique_stems(found), paths, strict=True)), failures)
    else:
        frames = Film(which, kind, live=not options.every_frame).frames()
    folder = Folder(options.output, predictor.info) if options.output else None
    window = None if options.headless else open_window(predictor.info.palette)
    if window is None and not options.headless:
        where = f"results go to {options.output}" if folder else "without --output, only the speed is shown"
        messages.print(f"no window can be opened here: continuing without one; {where}")
    queue = FrameQueue(options.queue, every_frame=still or options.every_frame)
    try:
        with StopSignal() as stop:
            speed = segment_all(
                predictor, frames, queue, window, folder, stop, options.white, failures if still else None
            )
            if window and still:
                window.hold(stop)
    finally:
        if window:
            window.close()
    if speed.n_frames:
        messages.print(speed.in_words(queue.n_dropped))
    if speed.n_frames and folder:
        numbers = values_in_words(predictor.info.names, predictor.info.values)
        if numbers is not None:
            messages.print(numbers)
        if speed.voids:
            messages.print(ignored_in_words(speed.voids, predictor.info.names, predictor.info.values))
    if failures:
        raise _failed("\n".join(failures), kind)
    return 0


def _failed(lines: str, kind: str) -> ImexsegError:
    """One image that cannot be used is a mistake in what was asked for; of a folder, the others were segmented."""
    return UsageError(lines) if kind == "image" else JobError(lines)


def _source(options: argparse.Namespace) -> tuple[str, str]:
    """Kind and name of where frames come from. Raises: UsageError if it is not said, or there is nothing of that name."""
    from imexseg.edge.sources import guess_kind

    kind, which = options.source, options.input
    if kind not in KINDS:
        if which is not None:
            raise UsageError(f"--source {kind}: with --input it must be one of {', '.join(KINDS)}")
        return guess_kind(options.source), options.source
    if which is None and kind != "camera":
        raise UsageError(f"--source {kind}: say which with --input PATH")
    which = which or "0"
    path = Path(which)
    if kind == "folder" and not path.is_dir():
        raise UsageError(f"{which}: no such folder")
    if kind == "image" and not path.is_file():
        raise UsageError(f"{which}: no such image file")
    return kind, which
