"""python -m apps.edge FILE.onnx --source SOURCE: the command line."""

import argparse
import sys
from pathlib import Path

from apps.edge.errors import JobError, UsageError

KINDS = ("image", "folder", "video", "camera")


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="python -m apps.edge",
        description="Segment with a network that `imexseg export` wrote: onnxruntime and OpenCV, no torch.",
    )
    p.add_argument("model", type=Path, metavar="FILE.onnx")
    p.add_argument(
        "--source",
        required=True,
        metavar="SOURCE",
        help=f"{', '.join(KINDS)} (then --input says which), or simply a path, or the number of a camera",
    )
    p.add_argument("--input", metavar="WHICH", help="path, or number of the camera (default: 0)")
    p.add_argument("--output", type=Path, metavar="DIR", help="write <name>_mask.png and <name>_overlay.png here")
    p.add_argument("--headless", action="store_true", help="no window")
    p.add_argument("--every-frame", action="store_true", help="of a film, drop nothing: the film waits for the network")
    p.add_argument("--queue", type=int, default=2, metavar="N", help="frames that may wait (default: 2)")
    p.add_argument("--threads", type=int, default=0, metavar="N", help="of the network (default: as many as cores)")
    return p


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError, JobError."""
    from apps.edge.frames import FrameQueue
    from apps.edge.model import Model
    from apps.edge.output import Folder, open_window
    from apps.edge.run import segment_all
    from apps.edge.signals import StopSignal
    from apps.edge.sources import Film, guess_kind, image_files, images

    for name in ("queue", "threads"):
        if getattr(options, name) < (name == "queue"):
            raise UsageError(f"--{name} {getattr(options, name)}: must not be below {int(name == 'queue')}")
    kind, which = options.source, options.input
    if kind not in KINDS:
        if which is not None:
            raise UsageError(f"--source {kind}: with --input it must be one of {', '.join(KINDS)}")
        kind, which = guess_kind(options.source), options.source
    if which is None:
        if kind != "camera":
            raise UsageError(f"--source {kind}: say which with --input PATH")
        which = "0"
    model = Model(options.model, options.threads)
    failures: list[UsageError] = []
    still = kind in ("image", "folder")
    if still:
        files = [Path(which)] if kind == "image" else image_files(Path(which))
        frames = images(files, failures.append)
    else:
        frames = Film(which, kind, live=not options.every_frame).frames()
    folder = Folder(options.output, model.info.palette) if options.output else None
    window = None
    if not options.headless:
        window = open_window(model.info.palette)
        if window is None:
            where = f"results go to {folder.folder}" if folder else "without --output, only the speed is shown"
            print(f"no window can be opened here: going on headless; {where}", file=sys.stderr)
    queue = FrameQueue(options.queue, every_frame=still or options.every_frame)
    try:
        with StopSignal() as stop:
            speed = segment_all(model, frames, queue, window, folder, stop)
            if window and still:
                window.hold(stop)
    finally:
        if window:
            window.close()
    if speed.n_frames:
        print(speed.in_words(queue.n_dropped), file=sys.stderr)
    for failure in failures:
        print(failure, file=sys.stderr)
    if not failures:
        return 0
    return 2 if kind == "image" else 1


def main(arguments: list[str] | None = None) -> int:
    try:
        return run(parser().parse_args(arguments))
    except (UsageError, JobError) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        return 130  # before the first frame, or for the second time


if __name__ == "__main__":
    sys.exit(main())
