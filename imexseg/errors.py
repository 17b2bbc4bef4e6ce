"""Errors that are reported to the user in one line, without a traceback."""

import re

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class ImexsegError(Exception):
    """Base of both. The message names the file, the value, what was expected and what to do."""

    exit_code = 1


class UsageError(ImexsegError):
    """What was asked for cannot be done as asked: a bad option, bad data, bad weights. Exit code 2."""

    exit_code = 2


class JobError(ImexsegError):
    """The work was right to ask for and failed: disk full, interrupted, some images unreadable. Exit code 1."""


class WriteError(JobError):
    """A file cannot be written: it will hardly be different for the next one."""


def printable(text: str) -> str:
    """Text that cannot steer a terminal: names of files and classes come from strangers.

    Control characters other than new line and tab, marks that change the direction of writing, and bytes of file names that are
    no text are written as escapes, such as \\x1b.
    """
    return _UNPRINTABLE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)
