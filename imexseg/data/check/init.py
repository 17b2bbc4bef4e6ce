"""A first data.yaml, inferred from a folder: where images and masks are, their values or colours, what is left to fill in."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imexseg.data.check.found_masks import FoundMasks, look_at
from imexseg.data.description.colour_list import read_colour_list
from imexseg.data.description.data_yaml import DataDescription, load_description
from imexseg.data.description.labels import IGNORE, packed
from imexseg.data.description.palette import Colour
from imexseg.data.pairs.files import some_names
from imexseg.data.pairs.leftovers import leftovers
from imexseg.data.pairs.pairs import available_splits, list_files
from imexseg.data.read.images import read_image
from imexseg.data.read.layout import Layout, find_layout
from imexseg.errors import UsageError
from imexseg.files import write_atomically
from imexseg.text import read_text

LOOKED_AT = 500  # masks; of more an even sample
_LISTS = ("class_dict.csv", "labelmap.txt", "colors.txt", "colours.txt", "classes.csv")
_NAMES = ("classes.txt", "names.txt", "labels.txt")


@dataclass(frozen=True)
class FirstDescription:
    """path: the file that was written.  to_do: what a person should look at, a line each."""

    path: Path
    summary: str
    to_do: list[str]


def write_first_description(
    folder: Path, progress: Callable[[int, int], None] = lambda n_done, n_total: None
) -> FirstDescription:
    """Look at a folder and write its data.yaml.

    Raises: UsageError if it is no folder, has one already, or holds no images with masks; JobError if it cannot be written.
    """
    path = folder / "data.yaml"
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give the one that holds images and masks")
    if path.exists():
        raise UsageError(
            f"{path}: exists, and --init never overwrites it; remove it, or check with: imexseg check {folder}"
        )
    layout = find_layout(folder)
    description = DataDescription(
        root=folder, names=["a", "b"], images=layout.images, masks=layout.masks, split=layout.split
    )
    listings = [list_files(description, split) for split in available_splits(description)]
    pairs = [pair for listing in listings for pair in listing.pairs]
    if not pairs:
        raise UsageError(
            f"{folder}: no image has a mask of the same name; name them alike, or write patterns into data.yaml"
        )
    chosen = [pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, LOOKED_AT).astype(int))]
    source, known = _colour_list(folder)
    listed = {int(packed(np.array(colour))) for colour in known.values()}
    masks = look_at([pair.mask for pair in chosen], listed, progress)
    if not masks.counts:
        raise UsageError(f"{folder}: no mask could be read; the first: {masks.unreadable[0]}")
    lines, to_do = _names_and_palette(folder, masks, source, known)
    text = "\n".join(
        [*_header(layout, masks, len(pairs)), *lines, *_layout_lines(layout), *_image_lines(pairs[0].image), ""]
    )
    write_atomically(path, text)
    try:
        names = load_description(folder).names
    except UsageError:
        path.unlink()
        raise
    to_do += masks.unreadable[:3] + layout.remarks + leftovers(description)
    for paths, missing in (
        ([path for listing in listings for path in listing.without_mask], "an image has no mask"),
        ([path for listing in listings for path in listing.without_image], "a mask has no image"),
    ):
        if paths:
            to_do.append(f"{len(paths)} times {missing}: {some_names(paths)}")
    kind = "colours" if masks.coloured else "values"
    return FirstDescription(
        path, f"{len(names)} classes from {len(masks.counts)} {kind} in {masks.looked_at} masks", to_do
    )


def _colour_list(folder: Path) -> tuple[Path | None, dict[str, Colour]]:
    source = next((folder / name for name in _LISTS if (folder / name).is_file()), None)
    return source, {} if source is None else read_colour_list(source)


def _names_and_palette(
    folder: Path, masks: FoundMasks, source: Path | None, known: dict[str, Colour]
) -> tuple[list[str], list[str]]:
    """Lines of YAML, and what a person should look at."""
    if masks.coloured:
        return _coloured(masks, source, known)
    names_file = next((folder / name for name in _NAMES if (folder / name).is_file()), None)
    values = sorted(value for value in masks.counts if value != IGNORE)
    total = sum(masks.counts.values())

    def share(value: int) -> str:
        count = masks.counts.get(value, 0)
        return f"{count / total:.2%} of the pixels" if count else "not seen in these masks"

    if names_file is not None:
        names = [line.strip() for line in read_text(names_file, 1 << 20).splitlines() if line.strip()]
        if values and len(names) > max(values):
            return _as_list(names, share), [f"names are those of {names_file.name}; check that their order is right"]
    to_do = ["names are placeholders: write what each value means"]
    if values == [0] and IGNORE in masks.counts:
        lines = [
            "names:  # value in the masks: name",
            f"  0: background  # {share(0)}",
            f"  255: object  # {share(255)}",
        ]
        return lines, ["the masks hold 0 and 255: 255 is taken to be the object, not `ignore`", *to_do]
    ignored = [f"# 255 is ignored: {share(IGNORE)}"] if IGNORE in masks.counts else []
    if not values:
        raise UsageError(f"{folder}: every mask pixel is 255, which means ignore; write class numbers")
    if values[0] == 0 and len(values) >= 0.8 * (values[-1] + 1):
        names = ["background" if value == 0 else f"class_{value}" for value in range(max(2, values[-1] + 1))]
        return _as_list(names, share) + ignored, to_do
    if len(values) > 64:
        to_do.insert(0, f"{len(values)} different values look like grey levels rather than classes")
    rows = [f"  {value}: class_{value}  # {share(value)}" for value in values[:254]]
    if len(rows) == 1:
        rows.append(f"  {0 if values[0] else 1}: class_{0 if values[0] else 1}  # not seen in these masks")
    return ["names:  # value in the masks: name", *rows, *ignored], to_do


def _as_list(names: list[str], share: Callable[[int], str]) -> list[str]:
    return [
        "names:",
        *(f"  - {json.dumps(name, ensure_ascii=False)}  # {i}: {share(i)}" for i, name in enumerate(names)),
    ]


def _coloured(masks: FoundMasks, source: Path | None, known: dict[str, Colour]) -> tuple[list[str], list[str]]:
    found = [colour for colour, _ in masks.counts.most_common(255)]
    total = sum(masks.counts.values())
    to_do = []
    if len(found) > 64:
        to_do.append(
            f"{len(masks.counts)} colours are too many for classes: were the masks smoothed, scaled or saved as JPEG?"
        )
    if source is not None:
        to_do.append(f"names are those of {source.name}")
    listed = {int(packed(np.array(colour))): name for name, colour in known.items()}
    rows = [(name, colour) for colour, name in listed.items()]
    rows += [(f"colour_{colour:06x}", colour) for colour in found if colour not in listed]
    if len(rows) > len(listed):
        to_do.append("names like colour_ff0000 are placeholders: write what each colour means, in order of the numbers")
    lines = ["names:"]
    for name, colour in rows[:254]:
        lines.append(
            f"  - {json.dumps(name, ensure_ascii=False)}  # {masks.counts.get(colour, 0) / total:.2%} of the pixels"
        )
    lines.append("palette:  # the colour of each name in the masks")
    lines += [f"  - [{colour >> 16}, {colour >> 8 & 255}, {colour & 255}]" for _, colour in rows[:254]]
    return lines, to_do


def _header(layout: Layout, masks: FoundMasks, n_pairs: int) -> list[str]:
    return [
        f"# Written by `imexseg check --init` from {masks.looked_at} of {n_pairs} masks. Correct it, then run `imexseg check`.",
        "# classes: {vehicle: [car, bus], other: rest}   merges labels; the network learns the classes",
        "# ignore: [void]                                labels, or values, that are neither learnt nor counted; 255 always is",
        "",
    ]


def _layout_lines(layout: Layout) -> list[str]:
    lines = []
    if layout.images:
        lines += [
            "# An image and a mask belong together if the text that * and ** stand for is the same in both.",
            f"images: {json.dumps(layout.images, ensure_ascii=False)}",
            f"masks: {json.dumps(layout.masks, ensure_ascii=False)}",
        ]
    if layout.split is not None:
        rule = layout.split
        lines.append(
            f"split: {{val: {rule.val}, test: {rule.test}, seed: {rule.seed}}}  # none was found; assigned by file name"
        )
    return lines


def _image_lines(path: Path) -> list[str]:
    try:
        image = read_image(path)
    except UsageError:
        return []
    bits = 8 * image.dtype.itemsize
    return [
        f"# channels: {image.shape[2]}   # of {path.name}; grey and colour are converted to this number",
        f"bit_depth: {bits}",
    ]
