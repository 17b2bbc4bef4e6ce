"""Pascal VOC: JPEGImages, SegmentationClass (palette PNG) and ImageSets/Segmentation/{train,val,test}.txt.

Names: labelmap.txt where there is one (CVAT; masks may then be in its colours), else the twenty of VOC.
"""

from functools import partial
from pathlib import Path

import numpy as np

from imexseg.data.convert.target import Item, Plan, image_size, inside, read_text
from imexseg.data.description.colour_list import read_colour_list
from imexseg.data.description.labels import LabelTable, label_table
from imexseg.data.pairs.pairs import Pair
from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES
from imexseg.data.read.masks import read_classes
from imexseg.errors import UsageError

NAMES = [
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
]


def convert_voc(source: Path) -> Plan:
    """Raises: UsageError naming the file and the remedy."""
    masks, images = source / "SegmentationClass", source / "JPEGImages"
    for folder in (masks, images):
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder; give the one that holds JPEGImages and SegmentationClass")
    colours = read_colour_list(source / "labelmap.txt") if (source / "labelmap.txt").is_file() else None
    names, palette = (list(colours), list(colours.values())) if colours else (NAMES, [])
    labels = label_table(dict(enumerate(names)), None, [], palette).labels
    items = []
    for split, stem in _stems(source, masks):
        mask = inside(masks, f"{stem}.png", source)
        image = next((p for s in sorted(IMAGE_SUFFIXES) if (p := inside(images, f"{stem}{s}", source)).is_file()), None)
        if image is None or not mask.is_file():
            raise UsageError(
                f"{images / stem}: image or mask is missing; add {stem}.jpg and {stem}.png or remove the line"
            )
        items.append(
            Item(
                split,
                stem.replace("/", "_"),
                image,
                image.suffix,
                partial(checked_mask, image, mask, labels),
            )
        )
    return Plan(list(names), items, palette)


def _stems(source: Path, masks: Path) -> list[tuple[str, str]]:
    lists = source / "ImageSets" / "Segmentation"
    found = []
    for split in ("train", "val", "test"):
        file = lists / f"{split}.txt"
        if file.is_file():
            found += [(split, line.strip()) for line in read_text(file).splitlines() if line.strip()]
    return found or [("train", path.stem) for path in sorted(masks.glob("*.png"))]


def checked_mask(image: Path, mask: Path, labels: LabelTable) -> np.ndarray:
    """Class numbers. Raises: UsageError if values or colours mean nothing, or the size is not that of the image."""
    classes = read_classes(Pair(image, mask, labels))
    size = image_size(image)
    if classes.shape != size:
        raise UsageError(
            f"{mask}: is {classes.shape[1]} x {classes.shape[0]} px, its image {size[1]} x {size[0]}; scale it"
        )
    return classes
