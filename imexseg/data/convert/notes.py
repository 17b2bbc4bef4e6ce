"""What a conversion left out, assumed or changed: counted, with the first names, for the summary."""

from collections.abc import Iterable

SHOWN = 3  # names in a line


class Notes:
    """Gathered while files are read and written; a line for each kind of thing."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}
        self._remarks: list[str] = []

    def add(self, what: str, name: object) -> None:
        """Count one more. Args: what: for all of a kind, like "crowds, ignored (255)".  name: of file or class."""
        self._names.setdefault(what, []).append(str(name))

    def add_all(self, what: str, names: Iterable[object]) -> None:
        for name in names:
            self.add(what, name)

    def example(self, what: str, line: str, name: object) -> None:
        """As add, with the whole line about the first of them."""
        if what not in self._names:
            self.remark(line)
        self.add(what, name)

    def remark(self, line: str) -> None:
        """Something to be said once."""
        if line not in self._remarks:
            self._remarks.append(line)

    def lines(self) -> list[str]:
        return [*self._remarks, *(f"{what}: {len(names)} ({_first(names)})" for what, names in self._names.items())]


def _first(names: list[str]) -> str:
    different = list(dict.fromkeys(names))
    more = len(different) - SHOWN
    return ", ".join(different[:SHOWN]) + (f" and {more} more" if more > 0 else "")
