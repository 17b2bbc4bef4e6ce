"""`imexseg COMMAND …`: one file per command; every failure is one line and an exit code."""

import argparse
import os
import sys
from contextlib import redirect_stdout
from typing import Any, TextIO, cast

from imexseg import __version__
from imexseg.cli import check, completion, convert, evaluate, export, generate, inspect, models, predict, train
from imexseg.cli.console import PrintableStream, messages
from imexseg.errors import ImexsegError, printable
from imexseg.files import remedy
from imexseg.interrupts import interrupted, way_on
from imexseg.missing import explain_import

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


class _Parser(argparse.ArgumentParser):
    """Repeats what was typed without letting it steer the terminal."""

    def _print_message(self, message: str, file: Any = None) -> None:
        super()._print_message(printable(message), file)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
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
    command_line = parser()
    completion.answer_the_shell(command_line)
    try:
        options = command_line.parse_args(arguments)
    except SystemExit as exit:  # argparse has said what is wrong, or printed help
        return int(exit.code or 0)
    try:
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
        messages.print_exception()
    for line in printable(message).splitlines():
        print(f"imexseg: {line}", file=sys.stderr)
    return code


def run() -> None:
    """The console script."""
    completion.answer_the_shell(parser())
    sys.exit(main())
