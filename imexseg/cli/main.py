"""`imexseg COMMAND …`: one file per command; every failure is one line and an exit code."""

import argparse
import importlib
import os
import sys
from contextlib import redirect_stdout
from typing import Any, TextIO, cast

from imexseg import __version__
from imexseg.errors import ImexsegError, printable
from imexseg.files import remedy
from imexseg.interrupts import interrupted, way_on
from imexseg.missing import explain_import

# Each is a module of this folder, imported when it is called: `imexseg --help` needs none of them.
VERBS = {
    "generate": "write a data set of Q-tips.",
    "check": "check every file of a data set and report problems; --init writes a first data.yaml.",
    "plan": "say how `train` would train on a data set, and why; write nothing.",
    "convert": "convert COCO, YOLO, Labelme, VOC or RGB masks to this project's layout.",
    "train": "train a network on a data set, or on Q-tips if none is given.",
    "evaluate": "score weights against the masks of a data set.",
    "predict": "segment images; write masks and overlays at the original size.",
    "edge": "segment images, videos or a camera with an exported network, live and without torch.",
    "export": "export a network to one .onnx file, verified against torch.",
    "inspect": "interpret trained weights as a PDE: kernels as derivatives, decay lengths, stable steps, Green's functions.",
    "models": "list the networks to choose among, and the axes of all others.",
    "completion": "print the lines that teach a shell to complete commands, options and choices.",
}


class _Parser(argparse.ArgumentParser):
    """Repeats what was typed without letting it steer the terminal."""

    def _print_message(self, message: str, file: Any = None) -> None:
        super()._print_message(printable(message), file)


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The command line. Args: only: the command whose options are needed; None: all of them."""
    top = _Parser(
        prog="imexseg", description="Semantic segmentation with networks motivated by partial differential equations."
    )
    top.add_argument("--version", action="version", version=f"imexseg {__version__}")
    top.add_argument("--traceback", action="store_true", help="show where an error came from (for bug reports)")
    verbs = top.add_subparsers(metavar="COMMAND", required=True)
    for name, summary in VERBS.items():
        sub = verbs.add_parser(name, help=summary, description=summary)
        if only in (None, name):
            verb = importlib.import_module(f"imexseg.cli.{name}")
            verb.add_arguments(sub)
            sub.set_defaults(run=verb.run)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns: 0 if it did what was asked, 1 if the job failed, 2 for wrong use."""
    if "_ARGCOMPLETE" in os.environ:
        from imexseg.cli.completion import answer_the_shell

        answer_the_shell(parser())
    arguments = sys.argv[1:] if arguments is None else arguments
    verb = next((argument for argument in arguments if not argument.startswith("-")), "")
    try:
        options = parser(only=verb).parse_args(arguments)
    except SystemExit as exit:  # argparse has said what is wrong, or printed help
        return int(exit.code or 0)
    try:
        from imexseg.cli.console import PrintableStream

        with redirect_stdout(cast(TextIO, PrintableStream(sys.stdout))):
            return options.run(options)
    except ImexsegError as error:
        return _report(str(error), error.exit_code, options.traceback)
    except BrokenPipeError:  # `imexseg models | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except BaseException as error:
        if interrupted() or isinstance(error, KeyboardInterrupt):  # libraries turn it into errors of their own
            return _report(way_on(), 1, options.traceback)
        if isinstance(error, ImportError | AttributeError) and (explained := explain_import(error)):
            return _report(explained, 2, options.traceback)
        if isinstance(error, OSError):
            where = f"{error.filename}: " if error.filename else ""
            return _report(f"{where}{error.strerror or error}; {remedy(error)}", 1, options.traceback)
        raise


def _report(message: str, code: int, with_traceback: bool) -> int:
    if with_traceback:
        from imexseg.cli.console import messages

        messages.print_exception()
    for line in printable(message).splitlines():
        print(f"imexseg: {line}", file=sys.stderr)
    return code
