"""Finding the image that an annotation refers to, even after folders were moved, renamed or unpacked elsewhere."""

from collections.abc import Collection
from pathlib import Path

from imexseg.data.convert.notes import Notes
from imexseg.data.convert.splits import split_in
from imexseg.data.pairs.files import find_files
from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES
from imexseg.errors import UsageError


def list_files(root: Path, suffixes: Collection[str], notes: Notes) -> list[Path]:
    """All below a folder, in the order of their names; what could not be followed is noted."""
    found = find_files(root, suffixes)
    notes.add_all("broken links, left out", [path.name for path in found.broken])
    notes.add_all("linked folders that are read elsewhere already, left out", [path.name for path in found.folders])
    return found.files


def list_images(root: Path, notes: Notes) -> list[Path]:
    return list_files(root, IMAGE_SUFFIXES, notes)


class Files:
    """Files by the ends of their paths. Args: root: what lies below it is found.  paths: all of them."""

    def __init__(self, root: Path, paths: list[Path]) -> None:
        self.root, self.paths, self.used = root, paths, set[Path]()
        self._by_name: dict[str, list[Path]] = {}
        for path in paths:
            self._by_name.setdefault(path.name.casefold(), []).append(path)

    def find(self, name: object, source: Path, split: str | None, notes: Notes) -> Path | None:
        """The file whose path ends as the name does, folders counted from the back; None if there is none.

        Of several the one in a folder of the split is meant. Capitals may differ. Args: source: the file that names it.
        Raises: UsageError if two are as good.
        """
        wanted = _parts(name)
        found = self._by_name.get(wanted[-1].casefold(), []) if wanted else []
        if not found:
            return None
        agree = {path: _agreement(path.relative_to(self.root).parts, wanted) for path in found}
        best = [path for path in found if agree[path] == max(agree.values())]
        best = [p for p in best if split and split_in(*reversed(p.relative_to(self.root).parts[:-1])) == split] or best
        best = [path for path in best if path.name == wanted[-1]] or best
        if len(best) > 1:
            direct = [path for path in best if len(path.relative_to(self.root).parts) == len(wanted)]
            if len(direct) != 1:
                places = ", ".join(str(path.relative_to(self.root)) for path in best[:3])
                raise UsageError(
                    f"{source}: {str(name)[:200]!r} could be any of {len(best)} files below {self.root} ({places}); give the "
                    "folder that is meant, or name their folders in the annotation"
                )
            best = direct
        if len(wanted) > agree[best[0]]:
            notes.add("images found by name, not in the folder that the annotation gives", best[0].name)
        self.used.add(best[0])
        return best[0]

    def left(self) -> list[Path]:
        """Files that nothing has asked for."""
        return [path for path in self.paths if path not in self.used]


def _parts(name: object) -> list[str]:
    """Of a path in the form of any system, or a URL; without what only leads up."""
    text = str(name).replace("\\", "/").split("?")[0] if isinstance(name, str) else ""
    return [part for part in text.split("/") if part not in ("", ".", "..")]


def _agreement(parts: tuple[str, ...], wanted: list[str]) -> int:
    """How many of the last parts are the same."""
    count = 0
    for mine, theirs in zip(reversed(parts), reversed(wanted), strict=False):
        if mine.casefold() != theirs.casefold():
            break
        count += 1
    return count
