"""Patterns for the locations of images and masks: `/data/leftImg8bit/{split}/**/*_leftImg8bit.png`.

An image and a mask belong together if the text that the wildcards stand for is the same in both; everything else, such as
`_leftImg8bit` here, may differ. If one pattern has fewer wildcards, the last ones are compared.
"""

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from imexseg.data.pairs.files import find_files
from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES

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
        """The files that match, in their order, each with the text that its wildcards stand for.

        Suffixes match in any capitals; keys are in one Unicode form. Raises: UsageError if a folder cannot be read.
        """
        base, rest = self._fixed_folder(split)
        if not base.is_dir():
            return {}
        stem, suffix = os.path.splitext(self._stem.replace("{split}", split))
        if self.any_suffix or "*" in suffix or "/" in suffix:
            stem, suffix = stem + suffix, ""
        ending = f"(?i:{re.escape(suffix)})" + (r"\.[^./]+" if self.any_suffix else "")
        expression = re.compile(_as_expression(str(self.root / stem)) + ending)
        found = {}
        depth = None if "**/" in rest else rest.count("/")
        for path in find_files(base, IMAGE_SUFFIXES, depth).files:
            match = expression.fullmatch(str(path))
            if match:
                found[path] = tuple(unicodedata.normalize("NFC", text) for text in match.groups())
        return found

    def _fixed_folder(self, split: str) -> tuple[Path, str]:
        """The folder that all matches lie in, and what of the pattern is below it."""
        parts = str(self.root / self.text.replace("{split}", split)).split("/")
        n_fixed = next((i for i, part in enumerate(parts) if _WILDCARD.search(part + "/")), len(parts) - 1)
        return Path("/".join(parts[:n_fixed]) or "/"), "/".join(parts[n_fixed:])


def _as_expression(text: str) -> str:
    forms = {"**/": "((?:[^/]+/)*)", "*": "([^/]*)", "?": "([^/])"}
    parts, end = [], 0
    for match in _WILDCARD.finditer(text):
        parts += [re.escape(text[end : match.start()]), forms[match[0]]]
        end = match.end()
    return "".join(parts) + re.escape(text[end:])
