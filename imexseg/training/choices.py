"""Settings that are one of a list of names."""

import difflib
from collections.abc import Iterable


def one_of(what: str, name: str, known: Iterable[str]) -> str:
    """The name itself. Raises: ValueError that tells the nearest known one."""
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
        raise ValueError(f"unknown {what} {name!r}; did you mean {near!r}? Known: {', '.join(names)}")
    return name
