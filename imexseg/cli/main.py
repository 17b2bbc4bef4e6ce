"""`imexseg COMMAND …`: one file per command; every failure is one line and an exit code."""

import argparse
import os
import sys

from imexseg import __version__
from imexseg.cli import check, completion, convert, evaluate, export, generate, inspect, models, predict, train
from imexseg.cli.console import messages
from imexseg.errors import ImexsegError

VERBS = {
    "generate": generate,
    "check": check,
    "convert": convert,
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
    "export": export,
    "inspect": inspect,
    "models": models,
    "completion": completion,
}

# What the light installation leaves out.
TRAINING_LIBRARIES = frozenset(
    (
        *("torch", "torchvision", "lightning", "segmentation_models_pytorch", "albumentations", "torchmetrics"),
        *("safetensors", "tensorboard", "matplotlib", "jinja2", "onnx", "onnxscript"),
    )
)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="imexseg", description="Semantic segmentation with networks motivated by partial differential equations."
    )
    top.add_argument("--version", action="version", version=f"imexseg {__version__}")
    top.add_argument("--traceback", action="store_true", help="show where an error came from (for bug reports)")
    verbs = top.add_subparsers(metavar="COMMAND", required=True)
    for name, verb in VERBS.items():
        summary = (verb.__doc__ or "").splitlines()[0].split(": ", 1)[1]
        sub = verbs.add_parser(name, help=summary, description=summary)
        verb.add_arguments(sub)
        sub.set_defaults(run=verb.run)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns: 0 if it did what was asked, 1 if the job failed, 2 for wrong use."""
    try:
        options = parser().parse_args(arguments)
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
        messages.print_exception()
    for line in message.splitlines():
        print(f"imexseg: {line}", file=sys.stderr)
    return code


def run() -> None:
    """The console script."""
    completion.answer_the_shell(parser())
    sys.exit(main())
