"""YOLO segmentation: labels/NAME.txt, relative to the image, so that its size is nowhere; data.yaml; train.txt with the images.

It cannot say that a pixel means nothing, and has no class for the background: the others are counted from 0.
"""

from collections.abc import Iterable, Sequence

import yaml

from imexseg.inference.outlines.named import Outlined, outlined_classes


def yolo_labels(image: Outlined, names: Sequence[str]) -> bytes:
    numbers = {number: i for i, number in enumerate(outlined_classes(names))}
    height, width = image.size
    lines = []
    for part in image.parts:
        line = part.as_one_line() / (width, height)
        lines.append(f"{numbers[part.label]} " + " ".join(f"{value:.10g}" for value in line.ravel().tolist()))
    return "".join(f"{line}\n" for line in lines).encode()


def yolo_description(names: Sequence[str]) -> bytes:
    """data.yaml."""
    content = {
        "path": ".",
        "train": "train.txt",
        "names": {i: names[number] for i, number in enumerate(outlined_classes(names))},
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode()


def yolo_list(images: Iterable[str]) -> bytes:
    """train.txt. Args: images: where each must lie for the tool to find its labels: images/ beside labels/."""
    return "".join(f"./images/{name}\n" for name in images).encode()
