"""Where the files of each format lie, below the folder of the masks, and how they name the images."""

import os
from collections.abc import Sequence
from pathlib import Path

from imexseg.inference.placed import PlacedJob
from imexseg.storage.places import Place, Url

_OF_IMAGE = {
    "labelme": ["labelme/{}.json"],
    "coco": [],
    "yolo": ["yolo/labels/{}.txt"],
    "voc": ["voc/SegmentationClass/{}.png", "voc/Annotations/{}.xml"],
}
COCO = "coco/instances.json"


def files_of_image(form: str, stem: str) -> list[str]:
    """Below the folder of the masks; none of coco, which has one file for all."""
    return [name.format(stem) for name in _OF_IMAGE[form]]


def stem_of(job: PlacedJob, output: Place) -> str:
    """Of its results, with subfolders: `day2/a`."""
    if isinstance(job.target, Path) and isinstance(output, Path):
        return job.target.relative_to(output).as_posix()
    assert isinstance(job.target, Url)
    assert isinstance(output, Url)
    return job.target.text[len(output.text.rstrip("/")) + 1 :]


def path_from(folder: Place, image: Place) -> str:
    """The image as seen from a folder, `../photos/a.jpg`; its name alone if no such way leads to it."""
    if isinstance(folder, Path) and isinstance(image, Path):
        try:
            return Path(os.path.relpath(_absolute(image), folder.resolve())).as_posix()
        except ValueError:  # another drive
            return image.name
    if isinstance(folder, Url) and isinstance(image, Url):
        (here, below), (there, path) = (url.text.split("://", 1) for url in (folder, image))
        if (here, below.split("/")[0]) == (there, path.split("/")[0]) and not image.is_web:
            return os.path.relpath("/" + path, "/" + below)
    return image.name


def names_below(images: Sequence[Place]) -> dict[Place, str]:
    """Each image as a path below the folder that holds them all; the names alone if there is none."""
    paths: dict[Place, str]
    if all(isinstance(image, Path) for image in images):
        paths = {image: str(_absolute(image)) for image in images if isinstance(image, Path)}
    elif all(isinstance(image, Url) and not image.is_web for image in images):
        paths = {image: "/" + image.text.replace("://", "/", 1) for image in images if isinstance(image, Url)}
    else:
        return {image: image.name for image in images}
    try:
        folder = os.path.commonpath([os.path.dirname(path) for path in paths.values()])
    except ValueError:  # several drives
        return {image: image.name for image in images}
    return {image: Path(os.path.relpath(path, folder)).as_posix() for image, path in paths.items()}


def _absolute(image: Path) -> Path:
    """Of the file as it is called: a link is not followed, the folders before it are."""
    return image.parent.resolve() / image.name
