"""Colour masks, with a list of what each colour means (class_dict.csv, `128 64 128 road`)."""

from functools import partial
from pathlib import Path

from imexseg.data.convert.notes import Notes
from imexseg.data.convert.target import Item, Plan
from imexseg.data.convert.voc import class_numbers, legend_of_colours
from imexseg.data.description.colour_list import LISTS, read_class_colours
from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.pairs.pairs import available_splits, list_files
from imexseg.data.read.layout import find_layout
from imexseg.errors import UsageError


def convert_rgb(source: Path, colours: Path | None = None) -> Plan:
    """Args: source: a folder with images and masks in any of the usual layouts.  colours: the list; by default one of the
    usual names in the folder.

    Raises: UsageError naming the file, the colour and the remedy.
    """
    notes = Notes()
    here = {path.name.lower(): path for path in sorted(source.iterdir()) if path.is_file()}
    listed = colours or next((here[name] for name in LISTS if name in here), None)
    if listed is None:
        raise UsageError(f"{source}: no list of colours ({', '.join(LISTS)}); give one with --colours FILE")
    legend = legend_of_colours(listed, read_class_colours(listed, notes.remark), notes)
    if colours is None:
        notes.remark(f"colours are those of {listed.name}")
    layout = find_layout(source)
    for remark in layout.remarks:
        notes.remark(remark)
    has_splits = layout.split is None or bool(layout.images and "{split}" in layout.images)
    names = list(legend.names.values())
    description = DataDescription(
        root=source, names=names, images=layout.images, masks=layout.masks, split=layout.split, labels=legend.labels
    )
    whole = description.model_copy(update={"split": layout.split and layout.split.model_copy(update={"val": 0.0})})
    splits = available_splits(description.model_copy(update={"split": None})) if has_splits else ["train"]
    items = []
    for split in splits or ["train"]:
        listing = list_files(whole, split)
        notes.add_all("images without a mask, left out", [path.name for path in listing.without_mask])
        notes.add_all("masks without an image, left out", [path.name for path in listing.without_image])
        for pair in listing.pairs:
            draw = partial(class_numbers, pair.image, pair.mask, legend, notes)
            items.append(Item(split, pair.image.stem, pair.image, pair.image.suffix, draw))
    return Plan(legend.names, items, legend.rule, legend.palette, notes)
