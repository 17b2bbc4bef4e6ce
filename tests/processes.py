"""The command line as a user runs it: in a process of its own, with files for its output.

Importing torch, its compiler and lightning takes seconds of a core. So most commands are forked from a process that has done so;
what a user types is run only where the imports themselves matter.
"""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["torch._dynamo", "imexseg.cli.train", "imexseg.training.fit", "imexseg.training.device", "imexseg.report.of_run"]
)


class Running:
    """A command that was forked; the part of subprocess.Popen that the tests need."""

    def __init__(self, *arguments: object, cwd: Path | None = None, env: Mapping[str, str] = os.environ):
        self._folder = tempfile.TemporaryDirectory()
        self._said = [Path(self._folder.name) / name for name in ("stdout", "stderr")]
        self._process = _context.Process(
            target=_command, args=([str(part) for part in arguments], cwd or Path.cwd(), dict(env), self._said)
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def communicate(self, timeout: float = 120) -> tuple[str, str]:
        """Wait for its end. Returns: what it said on standard output and on standard error."""
        self._process.join(timeout)
        if self.returncode is None:
            self._process.kill()
            self._process.join()
            raise subprocess.TimeoutExpired("imexseg", timeout, *(path.read_text() for path in self._said))
        out, err = (path.read_text() for path in self._said)
        return out, err


def run(*arguments: object, timeout: float = 120, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command, forked; its exit code and what it said."""
    process = Running(*arguments, cwd=cwd)
    out, err = process.communicate(timeout)
    return subprocess.CompletedProcess(["imexseg", *map(str, arguments)], process.returncode or 0, out, err)


def run_as_typed(*arguments: object, timeout: float = 120, **options) -> subprocess.CompletedProcess[str]:
    """The same with an interpreter of its own."""
    command = [sys.executable, "-m", "imexseg", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, **options)


def _command(arguments: list[str], cwd: Path, environment: dict[str, str], said: list[Path]) -> None:
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, path in zip((1, 2), said, strict=True):
        with open(path, "wb") as file:
            os.dup2(file.fileno(), descriptor)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    sys.argv = ["imexseg", *arguments]
    from imexseg.__main__ import run as run_command

    with contextlib.suppress(BrokenPipeError):
        run_command()
