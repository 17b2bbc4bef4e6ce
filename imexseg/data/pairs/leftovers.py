"""Files in a data set that belong to no pair, so that they can be reported."""

from imexseg.data.description.data_yaml import SPLITS, DataDescription
from imexseg.data.pairs.files import find_files, some_names
from imexseg.data.pairs.patterns import Pattern
from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES, MASK_SUFFIXES


def leftovers(description: DataDescription) -> list[str]:
    """A line for each kind of file or folder that is not read. Missing folders are said by whoever needs them."""
    return _of_patterns(description) if description.images else _of_folders(description)


def _of_folders(description: DataDescription) -> list[str]:
    lines: list[str] = []
    root = description.root
    for kind, suffixes in (("images", IMAGE_SUFFIXES), ("masks", MASK_SUFFIXES)):
        top = root / kind
        if not top.is_dir():
            continue
        splits = [top / split for split in SPLITS if (top / split).is_dir()]
        flat = description.split is not None and not (root / "images" / "train").is_dir()
        for folder in [top] if flat else splits:
            lines += find_files(folder, suffixes).remarks(folder)
        if flat:
            continue
        here = find_files(top, IMAGE_SUFFIXES, depth=0)
        if here.files:
            lines.append(
                f"{top}: {len(here.files)} files beside the folders of the splits not read: {some_names(here.files)}; "
                f"move them into {top / 'train'}"
            )
        for folder in here.folders:
            files = [] if folder in splits else find_files(folder, IMAGE_SUFFIXES).files
            if files:
                lines.append(
                    f"{folder}: {len(files)} files not read; name the folder {', '.join(SPLITS)}, or move them"
                )
    lines += [
        f"{root / 'masks' / split}: not read, since there is no {root / 'images' / split}"
        for split in SPLITS
        if (root / "masks" / split).is_dir()
        and not (root / "images" / split).is_dir()
        and (root / "images").is_dir()
        and not description.split
    ]
    return lines


def _of_patterns(description: DataDescription) -> list[str]:
    lines: list[str] = []
    patterns = [Pattern(description.root, text) for text in (description.images, description.masks) if text]
    matched = {path for pattern in patterns for split in SPLITS for path in pattern.files(split)}
    for folder in sorted({path.parent for path in matched}):
        found = find_files(folder, IMAGE_SUFFIXES, depth=0)
        unmatched = [path for path in found.files if path not in matched]
        if unmatched:
            lines.append(
                f"{folder}: {len(unmatched)} images not read, because no pattern matches them: {some_names(unmatched)}"
            )
        if found.broken:
            lines.append(f"{folder}: {len(found.broken)} broken links: {some_names(found.broken)}")
    return lines
