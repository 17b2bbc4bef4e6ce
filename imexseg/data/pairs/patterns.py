"""Patterns that say where images and masks are: `/data/leftImg8bit/{split}/**/*_leftImg8bit.png`.

An image and a mask belong together if the text that the wildcards stand for is the same in both; everything else, such as
`_leftImg8bit` here, may differ. If one pattern has fewer wildcards, the last ones are compared.
"""

import glob
import re
from dataclasses import dataclass
from pathlib import Path

_WILDCARD = re.compile(r"\*\*/|\*|\?")
Key = tuple[str, ...]


@dataclass(frozen=True)
class Pattern:
    """`*` any text within a name, `**/` any folders, `?` one letter, `.*` at the end any suffix (not compared)."""

    root: Path  # what a relative pattern starts from
    text: str

    @property
    def n_wildcards(self) -> int:
        return len(_WILDCARD.findall(self._stem))

    @property
    def names_split(self) -> bool:
        return "{split}" in self.text

    @property
    def any_suffix(self) -> bool:
        return self.text.endswith(".*")

    @property
    def _stem(self) -> str:
        return self.text.removesuffix(".*") if self.any_suffix else self.text

    def files(self, split: str) -> dict[Path, Key]:
        """The files that match, in their order, each with the text that its wildcards stand for."""
        text = str(self.root / self.text.replace("{split}", split))
        wildcards = re.sub(r"\[", "[[]", text)  # only the wildcards above are special
        stem = str(self.root / self._stem.replace("{split}", split))
        expression = re.compile(_as_expression(stem) + (r"\.[^./]+" if self.any_suffix else ""))
        found = {}
        for name in sorted(glob.glob(wildcards, recursive=True)):
            match = expression.fullmatch(name)
            path = Path(name)
            if match and path.is_file():
                found[path] = match.groups()
        return found


def _as_expression(text: str) -> str:
    forms = {"**/": "((?:[^/]+/)*)", "*": "([^/]*)", "?": "([^/])"}
    parts, end = [], 0
    for match in _WILDCARD.finditer(text):
        parts += [re.escape(text[end : match.start()]), forms[match[0]]]
        end = match.end()
    return "".join(parts) + re.escape(text[end:])
