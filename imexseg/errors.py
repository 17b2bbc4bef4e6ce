"""Failures that are reported to a person as one line, without a traceback."""


class ImexsegError(Exception):
    """Base of both. The message names the file, the value, what was expected and what to do."""

    exit_code = 1


class UsageError(ImexsegError):
    """What was asked for cannot be done as asked: a bad option, bad data, bad weights. Exit code 2."""

    exit_code = 2


class JobError(ImexsegError):
    """The work was right to ask for and failed: disk full, interrupted, some images unreadable. Exit code 1."""
