"""Which image belongs to which mask."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from imexseg.data.images import IMAGE_SUFFIXES
from imexseg.data.schema import SPLITS, DataDescription
from imexseg.errors import UsageError

SHOWN = 5  # how many file names an error lists


@dataclass(frozen=True)
class Pair:
    """An image and its mask."""

    image: Path
    mask: Path


def list_pairs(description: DataDescription, split: str) -> list[Pair]:
    """images/{split}/NAME.* with masks/{split}/NAME.png, in the order of names.

    Raises: UsageError naming folder or files and the remedy if one is missing, empty, without partner or there twice.
    """
    images = _by_stem(description.root / "images" / split, IMAGE_SUFFIXES, split)
    masks = _by_stem(description.root / "masks" / split, frozenset({".png"}), split)
    problems = []
    for stems, files, missing in (
        (images.keys() - masks.keys(), images, f"mask {description.root / 'masks' / split}/<same name>.png"),
        (masks.keys() - images.keys(), masks, f"image {description.root / 'images' / split}/<same name>.*"),
    ):
        if stems:
            problems.append(
                f"{_names([files[stem] for stem in sorted(stems)])}: no {missing}; add it or remove the file"
            )
    if problems:
        raise UsageError("\n".join(problems))
    return [Pair(images[stem], masks[stem]) for stem in sorted(images)]


def available_splits(description: DataDescription) -> list[str]:
    """Those of train, val and test that have a folder of images."""
    return [split for split in SPLITS if (description.root / "images" / split).is_dir()]


def _by_stem(folder: Path, suffixes: frozenset[str], split: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; the split {split!r} needs images/{split} and masks/{split}")
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read ({error.strerror}); change its permissions") from None
    files = [path for path in paths if path.suffix.lower() in suffixes and not path.name.startswith(".")]
    if not files:
        raise UsageError(
            f"{folder}: has no {', '.join(sorted(suffixes))} files; put the files of the split {split!r} there"
        )
    twice = [stem for stem, count in Counter(path.stem for path in files).items() if count > 1]
    if twice:
        same = [path for path in files if path.stem == twice[0]]
        raise UsageError(f"{_names(same)}: share the name {twice[0]!r}, so their mask is in doubt; rename one")
    return {path.stem: path for path in files}


def _names(paths: list[Path]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(str(path) for path in paths[:SHOWN]) + more
