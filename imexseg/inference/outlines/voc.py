"""Pascal VOC: SegmentationClass/NAME.png, Annotations/NAME.xml with boxes, a list of the images, and labelmap.txt as CVAT has it.

Its masks are pictures, so no tolerance applies; their number 255, VOC's void, is what means nothing.
"""

import io
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from imexseg.data.description.labels import IGNORE
from imexseg.inference.outlines.named import Outlined


def voc_colours() -> np.ndarray:
    """VOC's own: the bits of a number dealt out to red, green and blue. Shapes: → (256, 3) uint8, all different."""
    numbers = np.arange(256)
    colours = np.zeros((256, 3), dtype=np.uint8)
    for digit in range(3):
        for channel in range(3):
            colours[:, channel] |= ((numbers >> (3 * digit + channel) & 1) << (7 - digit)).astype(np.uint8)
    return colours


def voc_mask(classes: np.ndarray) -> bytes:
    """An indexed PNG. Shapes: (H, W) uint8, 255 where the image means nothing."""
    picture = Image.fromarray(classes)
    picture.putpalette(voc_colours().tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def voc_annotation(image: Outlined, names: Sequence[str]) -> bytes:
    """The XML: an object for each part, with its box in VOC's pixels, which are counted from 1."""
    folder, _, filename = image.name.rpartition("/")
    root = ElementTree.Element("annotation")
    size = {"width": image.size[1], "height": image.size[0]}
    for tag, value in {"folder": folder, "filename": filename, "size": size, "segmented": 1}.items():
        _add(root, tag, value)
    for part in image.parts:
        if part.label == IGNORE:
            continue
        x, y, width, height = part.box
        box = {"xmin": x + 1, "ymin": y + 1, "xmax": x + width, "ymax": y + height}
        _add(root, "object", {"name": names[part.label], "truncated": 0, "difficult": 0, "bndbox": box})
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8") + b"\n"


def _add(parent: ElementTree.Element, tag: str, value: object) -> None:
    element = ElementTree.SubElement(parent, tag)
    if isinstance(value, dict):
        for inner, content in value.items():
            _add(element, inner, content)
    else:
        element.text = str(value)


def voc_labelmap(names: Sequence[str]) -> bytes:
    """labelmap.txt: `name:red,green,blue::` of each class."""
    colours = voc_colours().tolist()
    lines = [f"{name}:{','.join(map(str, colours[number]))}::" for number, name in enumerate(names)]
    return "\n".join(["# label:color_rgb:parts:actions", *lines, ""]).encode()


def voc_list(names: Iterable[str]) -> bytes:
    """ImageSets/Segmentation/train.txt."""
    return "".join(f"{name}\n" for name in names).encode()
