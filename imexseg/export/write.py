"""From trained weights to a checked .onnx: build, quantise, write, compare, and keep it only if it agrees."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx

from imexseg.data.description.data_yaml import DataDescription
from imexseg.errors import JobError, UsageError
from imexseg.export.build import build
from imexseg.export.compact import compact
from imexseg.export.loss import Loss, measure, require_small
from imexseg.export.metadata import ExportOptions, info_of
from imexseg.export.quantise import quantise
from imexseg.export.sample_images import generated_images, images_of, random_images
from imexseg.export.strips import in_strips
from imexseg.export.verify import (
    LARGEST_DIFFERENCE,
    SMALLEST_AGREEMENT,
    SMALLEST_ELSEWHERE,
    Comparison,
    compare,
    without_logits,
)
from imexseg.files import appearing_whole
from imexseg.inference.core import sidecar_path, sidecar_text
from imexseg.models.checksum import seal_file
from imexseg.models.contract import ImageNetwork

CALIBRATION_IMAGES = 64
COMPARED_IMAGES = 8
SEVERAL_STRIPS = (500, 700)


@dataclass(frozen=True)
class Exported:
    """What was written and how it compares, by the kind of the images."""

    path: Path
    bytes: int
    comparisons: dict[str, Comparison]
    loss: Loss | None = None  # of int8


def default_size(network: ImageNetwork) -> tuple[int, int] | None:
    """(height, width) of most training images; None if the weights do not say."""
    size = network.info.data.get("size")
    return (int(size[0]), int(size[1])) if size else None


def export(
    network: ImageNetwork,
    path: Path,
    options: ExportOptions,
    data: DataDescription | None = None,
    allow_loss: bool = False,
    say: Callable[[str], None] = lambda message: None,
) -> Exported:
    """Write `path`; nothing is left there if it does not agree with torch.

    Args: data: real images to compare on, and to calibrate int8 with.  allow_loss: keep an int8 file whatever it loses.
    Raises: UsageError for sizes, precisions and data that do not fit; JobError if the file disagrees, loses too much in int8,
    or cannot be written.
    """
    if path.suffix.lower() != ".onnx":
        raise UsageError(f"--output {path}: should end with .onnx")
    if options.core and (options.precision != "fp32" or options.probabilities):
        asked = "--probabilities" if options.probabilities else f"--precision {options.precision}"
        raise UsageError(f"--core: gives logits in fp32, which converters quantise by themselves; leave out {asked}")
    sizes = [options.size] if options.size else sizes_of_free(network)
    compared = {"random": [image for size in sizes for image in random_images(network.info, size, COMPARED_IMAGES)]}
    if data is not None:
        compared[data.root.resolve().name] = [
            image for size in sizes for image in images_of(data, "val", network.info, size, COMPARED_IMAGES)
        ]
    else:
        compared["Q-tips"] = [
            image for size in sizes for image in generated_images(network.info, size, COMPARED_IMAGES)
        ]
    say("building the graph")
    exact = with_logits = build(network, replace(options, logits=True))
    if options.precision == "int8":
        say("calibrating")
        with_logits = quantise(exact, _calibration(network, options, data))
    loss = None
    with appearing_whole(path) as temporary, ExitStack() as beside:
        _save(with_logits if options.core else for_users(with_logits), temporary)
        if options.precision == "int8":
            say("measuring what int8 loses")
            with tempfile.TemporaryDirectory() as folder:
                _save(without_logits(exact), before := Path(folder) / "fp32.onnx")
                loss = measure(before, temporary, network.info, data, sizes[0])
            if not allow_loss:
                require_small(path, loss)
        say("comparing with torch")
        found = {kind: compare(network, with_logits, temporary, images) for kind, images in compared.items()}
        for kind, comparison in found.items():
            # A network for photographs knows no bars, and nobody segments noise: classes there hang on the last bits.
            alike = kind != "random" and (data is not None or bool(network.info.data.get("generator")))
            _require_agreement(path, options.precision, kind, comparison, alike)
        n_bytes = temporary.stat().st_size
        if options.core:
            text = sidecar_text(temporary, path.name, info_of(with_logits))
            beside.enter_context(appearing_whole(sidecar_path(path))).write_text(text, encoding="utf-8")
    return Exported(path, n_bytes, found, loss)


def for_users(model: onnx.ModelProto) -> onnx.ModelProto:
    """What is written, from what build and quantise give. Core files stay as they are: converters, and whoever follows what
    they say, need the names.
    """
    return compact(in_strips(without_logits(model)))


def _save(model: onnx.ModelProto, path: Path) -> None:
    onnx.save(model, path)
    seal_file(path)


def sizes_of_free(network: ImageNetwork) -> list[tuple[int, int]]:
    """Sizes to try a dynamic file with: a square, a multiple of the stride, and neither; one of several strips (strips.py)."""
    least = network.smallest_exported_side
    square = 64 * -(-least // 64)
    sizes = [(square, square), (max(least, 96), max(least, 160)), (least + 37, least + 90)]
    return sizes if network.config.long_side is None else [*sizes, SEVERAL_STRIPS]


def _calibration(network: ImageNetwork, options: ExportOptions, data: DataDescription | None) -> Sequence[np.ndarray]:
    size = options.size or default_size(network)
    if data is not None:
        return images_of(data, "train", network.info, size, CALIBRATION_IMAGES)
    if network.info.data.get("generator"):
        return generated_images(network.info, size or (64, 64), CALIBRATION_IMAGES, "train")
    raise UsageError(
        "--precision int8: needs --calibration DATA, images like the training images, to choose the ranges from"
    )


def _require_agreement(path: Path, precision: str, kind: str, found: Comparison, alike: bool) -> None:
    """Written so that NaN does not pass. Args: alike: whether the images are of the kind that the network was trained on."""
    if precision == "fp32" and not found.logit_difference <= LARGEST_DIFFERENCE:
        raise JobError(
            f"{path}: logits on {kind} images differ from torch's by {found.logit_difference:.2g} of their spread, more than "
            f"{LARGEST_DIFFERENCE:.2g}; nothing was written; please report it with the weights"
        )
    least = SMALLEST_AGREEMENT if alike or precision == "fp32" else SMALLEST_ELSEWHERE
    if precision != "int8" and not found.agreement >= least:
        raise JobError(
            f"{path}: only {found.agreement:.3%} of the pixels of {kind} images have torch's class, less than "
            f"{least:.1%}; nothing was written; try --precision fp32"
        )
