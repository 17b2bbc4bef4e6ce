"""Images to compare torch and onnxruntime on: random ones, and images of the kind that the network was trained on."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.pairs.pairs import list_pairs
from imexseg.data.read.as_trained import trained_dtype
from imexseg.data.read.images import read_image
from imexseg.data_gen import QTips
from imexseg.errors import UsageError
from imexseg.models.info import ModelInfo


def element_type(info: ModelInfo) -> np.dtype:
    """Of the images that the network was trained on."""
    return trained_dtype(info)


def random_images(info: ModelInfo, size: tuple[int, int], n: int, seed: int = 0) -> list[np.ndarray]:
    """Every pixel by itself, over the whole range. Shapes: → n of (H, W, C)."""
    random = np.random.default_rng(seed)
    return [as_trained(random.random((*size, info.in_channels), np.float32), 1.0, info) for _ in range(n)]


def generated_images(info: ModelInfo, size: tuple[int, int], n: int, split: str = "test") -> list[np.ndarray]:
    """Q-tips, of the kind that the network was trained on if it was. Shapes: → n of (H, W, C)."""
    return [image for image, _ in generated_pairs(info, size, n, split)]


def generated_pairs(
    info: ModelInfo, size: tuple[int, int], n: int, split: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Q-tips and their truth. Shapes: → n of (H, W, C) and (H, W). Args: split: no two splits share an image."""
    generator = info.data.get("generator") or {}
    bars = QTips(generator.get("preset", "authors"), size=min(1024, max(32, *size)), split=split)
    for i in range(n):
        image, mask = (_of_size(np.asarray(array), size) for array in bars[i])
        yield as_trained(np.repeat(image[..., None], info.in_channels, axis=2), 255.0, info), mask


def _of_size(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cropped, or extended by its edge. Shapes: (H, W) → size."""
    cropped = array[: size[0], : size[1]]
    below, right = (side - own for side, own in zip(size, cropped.shape, strict=True))
    return np.pad(cropped, ((0, below), (0, right)), mode="edge")


def images_of(
    data: DataDescription, split: str, info: ModelInfo, size: tuple[int, int] | None, n: int
) -> list[np.ndarray]:
    """The first n of a split, brought to a size by scaling. Shapes: → n of (H, W, C).

    Raises: UsageError naming the image whose channels or bit depth are not those that the network was trained on.
    """
    images = []
    for pair in list_pairs(data, split)[:n]:
        image = read_image(pair.image)
        check_kind(pair.image, image, info)
        if size is not None and image.shape[:2] != size:
            scaled = cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA)
            image = scaled.reshape(*size, image.shape[2])
        images.append(np.ascontiguousarray(image))
    return images


def check_kind(path: Path, image: np.ndarray, info: ModelInfo) -> None:
    """Raises: UsageError if the image is not of the channels and the bit depth of the training images."""
    if image.shape[2] != info.in_channels:
        raise UsageError(
            f"{path}: has {image.shape[2]} channels, but the network takes {info.in_channels}; "
            "calibrate with images like those that it was trained on"
        )
    if image.dtype != element_type(info):
        raise UsageError(
            f"{path}: is {image.dtype}, but the network was trained on {np.dtype(element_type(info))}; "
            "calibrate with images like those that it was trained on"
        )


def as_trained(image: np.ndarray, scale: float, info: ModelInfo) -> np.ndarray:
    """From values of which `scale` means white to the type of the training images."""
    values = image.astype(np.float32) * np.float32(info.full_scale / scale)
    kind = element_type(info)
    return np.ascontiguousarray(values if kind == np.float32 else np.rint(values), dtype=kind)
