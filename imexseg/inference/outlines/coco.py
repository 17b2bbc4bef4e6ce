"""COCO: one instances.json for all images, an annotation for each part. It cannot say that a pixel means nothing."""

import json
from collections.abc import Iterable, Iterator, Sequence

from imexseg.inference.outlines.named import Outlined, outlined_classes


def coco_categories(names: Sequence[str], values: Sequence[int]) -> dict[int, int]:
    """Class number ↦ category id: the number in the masks, each plus one if an outlined class has 0 there."""
    classes = outlined_classes(names)
    plus = int(any(values[number] == 0 for number in classes))
    return {number: values[number] + plus for number in classes}


def coco_lines(image: Outlined, image_id: int, categories: dict[int, int]) -> list[str]:
    """JSON of the image, then of each annotation but for the `{"id": 7, ` that it begins with."""
    first = {"id": image_id, "file_name": image.name, "width": image.size[1], "height": image.size[0]}
    lines = [json.dumps(first)]
    for part in image.parts:
        annotation = {
            "image_id": image_id,
            "category_id": categories[part.label],
            "segmentation": [part.as_one_line().ravel().tolist()],
            "area": part.area,
            "bbox": list(part.box),
            "iscrowd": 0,
        }
        lines.append(json.dumps(annotation)[1:])
    return lines


def coco_json(
    description: str, names: Sequence[str], categories: dict[int, int], images: Iterable[list[str]]
) -> Iterator[str]:
    """The file, piece by piece. Args: images: the lines of each; asked for twice, images first."""
    yield f'{{"info": {json.dumps({"description": description})}, "licenses": [],\n"categories": '
    yield json.dumps([{"id": identity, "name": names[number]} for number, identity in categories.items()])
    yield ',\n"images": ['
    yield from _separated(lines[0] for lines in images)
    yield '],\n"annotations": ['
    annotations = (line for lines in images for line in lines[1:])
    yield from _separated(f'{{"id": {number}, {line}' for number, line in enumerate(annotations, start=1))
    yield "]}\n"


def _separated(rows: Iterable[str]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f",\n{row}" if number else f"\n{row}"
