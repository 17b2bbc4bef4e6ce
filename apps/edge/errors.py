"""Errors that are reported to the person at the command line."""


class UsageError(Exception):
    """Wrong use: exit code 2."""


class JobError(Exception):
    """A job that failed while it ran: exit code 1."""
