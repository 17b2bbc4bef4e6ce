"""Ctrl-C and termination signals: one line that says how to continue, and exit code 1, at any moment and however often.

The first signal becomes a KeyboardInterrupt, so that what is half-written is removed. A second one, or one while modules are
imported (where an exception surfaces as something else), ends the process at once: files appear whole or not at all, so nothing
is lost by that.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from imexseg.errors import printable

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

_received = 0
_way_on: Callable[[], str] = lambda: "interrupted; nothing is half-written: give the same command again"  # noqa: E731
_owner = 0


def on_interrupt(way_on: Callable[[], str]) -> None:
    """What to say from now on if the process is interrupted: how to go on."""
    global _way_on
    _way_on = way_on


def way_on() -> str:
    """The line for a person whose command was interrupted."""
    return _way_on()


def interrupted() -> bool:
    """Whether a signal has come, whatever became of its exception."""
    return _received > 0


def install() -> None:
    """Take over the signals of this process. One that is ignored, as under nohup, stays ignored."""
    global _owner
    _owner = os.getpid()
    sys.unraisablehook = _unraisable
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _on_signal)


def finish(code: int) -> None:
    """The work is done: a signal that comes while the interpreter closes down changes nothing."""
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, frame: os._exit(code))


def _on_signal(number: int, frame: FrameType | None) -> None:
    global _received
    if os.getpid() != _owner:  # a worker, whose parent has the same signal
        os._exit(1)
    _received += 1
    if _received > 1 or _is_importing(frame):
        _leave()
    raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _unraisable(unraisable: Any) -> None:
    """An interrupt inside of a destructor would be printed with its traceback, and the program would go on."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        _leave()
    sys.__unraisablehook__(unraisable)


def _leave() -> NoReturn:
    cursor = b"\x1b[?25h" if sys.stderr is not None and sys.stderr.isatty() else b""  # a progress bar hides it
    try:
        line = way_on()
    except Exception:  # whatever was being changed at this moment
        line = "interrupted"
    os.write(2, cursor + f"imexseg: {printable(line)}\n".encode(errors="backslashreplace"))
    os._exit(1)
