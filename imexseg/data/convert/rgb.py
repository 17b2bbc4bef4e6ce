"""Masks in colours with a list of what each colour means (class_dict.csv, `128 64 128 road`)."""

from functools import partial
from pathlib import Path

from imexseg.data.convert.target import Item, Plan
from imexseg.data.convert.voc import checked_mask
from imexseg.data.description.colour_list import read_colour_list
from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.description.labels import label_table
from imexseg.data.pairs.pairs import available_splits, list_pairs
from imexseg.data.read.layout import find_layout
from imexseg.errors import UsageError

LISTS = ("class_dict.csv", "labelmap.txt", "colours.txt", "colors.txt", "classes.csv", "classes.txt")


def convert_rgb(source: Path, colours: Path | None = None) -> Plan:
    """Args: source: a folder with images and masks in any of the usual layouts.  colours: the list; by default one of the
    usual names in the folder.

    Raises: UsageError naming the file, the colour and the remedy.
    """
    listed = colours or next((source / name for name in LISTS if (source / name).is_file()), None)
    if listed is None:
        raise UsageError(f"{source}: no list of colours ({', '.join(LISTS)}); give one with --colours FILE")
    known = read_colour_list(listed)
    names, palette = list(known), list(known.values())
    try:
        labels = label_table(dict(enumerate(names)), None, [], palette)[0]
    except ValueError as error:
        raise UsageError(f"{listed}: {error}") from None
    layout = find_layout(source)
    has_splits = layout.split is None or bool(layout.images and "{split}" in layout.images)
    description = DataDescription(
        root=source, names=names, images=layout.images, masks=layout.masks, split=layout.split, labels=labels
    )
    whole = description.model_copy(update={"split": layout.split and layout.split.model_copy(update={"val": 0.0})})
    splits = available_splits(description.model_copy(update={"split": None})) if has_splits else ["train"]
    items = [
        Item(
            split,
            pair.image.stem,
            pair.image,
            pair.image.suffix,
            partial(checked_mask, pair.image, pair.mask, labels),
        )
        for split in splits or ["train"]
        for pair in list_pairs(whole, split)
    ]
    return Plan(names, items, palette, list(layout.remarks))
