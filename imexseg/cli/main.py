"""`imexseg VERB …`: one file a verb; every failure is one line and an exit code."""

import argparse
import importlib
import os
import sys

from imexseg import __version__
from imexseg.errors import ImexsegError

# Each is a module of this folder, imported when it is called: `imexseg --help` needs none of them.
VERBS = {
    "generate": "write a data set of Q-tips.",
    "check": "look at every file of a data set and say what is wrong; --init writes a first data.yaml.",
    "convert": "COCO, YOLO, Labelme, VOC or RGB masks to this project's layout.",
    "train": "train a network on a data set, or on Q-tips if none is given.",
    "evaluate": "score weights against the masks of a data set.",
    "predict": "segment images; writes masks and overlays at the images' own sizes.",
    "export": "write a network as one .onnx file that is checked against torch.",
    "inspect": "read trained weights as a PDE: kernels as derivatives, decay lengths, stable steps, Green's functions.",
    "models": "list the networks to choose among, and the axes of all others.",
}

# What the light installation leaves out.
TRAINING_LIBRARIES = frozenset(
    (
        *("torch", "torchvision", "lightning", "segmentation_models_pytorch", "albumentations", "torchmetrics"),
        *("safetensors", "tensorboard", "matplotlib", "jinja2", "onnx", "onnxscript"),
    )
)


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The command line. Args: only: the verb whose options are needed; None: all of them."""
    top = argparse.ArgumentParser(prog="imexseg", description="Semantic segmentation on implicit PDE networks.")
    top.add_argument("--version", action="version", version=f"imexseg {__version__}")
    top.add_argument("--traceback", action="store_true", help="show where an error came from (for bug reports)")
    verbs = top.add_subparsers(metavar="VERB", required=True)
    for name, summary in VERBS.items():
        sub = verbs.add_parser(name, help=summary, description=summary)
        if only in (None, name):
            verb = importlib.import_module(f"imexseg.cli.{name}")
            verb.add_arguments(sub)
            sub.set_defaults(run=verb.run)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns: 0 if it did what was asked, 1 if the job failed, 2 for wrong use."""
    arguments = sys.argv[1:] if arguments is None else arguments
    verb = next((argument for argument in arguments if not argument.startswith("-")), "")
    try:
        options = parser(only=verb).parse_args(arguments)
    except SystemExit as exit:  # argparse has said what is wrong, or printed help
        return int(exit.code or 0)
    try:
        return options.run(options)
    except ImexsegError as error:
        return _report(str(error), error.exit_code, options.traceback)
    except KeyboardInterrupt:
        return _report("interrupted", 1, options.traceback)
    except BrokenPipeError:  # `imexseg models | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in TRAINING_LIBRARIES:
            raise
        return _report(f"{error.name} is not installed; pip install 'imexseg[train]'", 2, options.traceback)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _report(f"{where}{error.strerror or error}; check the disk and the permissions", 1, options.traceback)


def _report(message: str, code: int, with_traceback: bool) -> int:
    if with_traceback:
        from imexseg.cli.console import messages

        messages.print_exception()
    for line in message.splitlines():
        print(f"imexseg: {line}", file=sys.stderr)
    return code


def run() -> None:
    """The console script."""
    sys.exit(main())
