"""imexseg predict: segment images; write masks and overlays at the original size."""

import argparse
import io
from pathlib import Path
from typing import TYPE_CHECKING

from imexseg.cli.console import in_words, messages, positive_float, positive_int, progress_bar
from imexseg.cli.inputs import find_images, unique_stems
from imexseg.errors import ImexsegError, JobError, UsageError
from imexseg.files import write_atomically

if TYPE_CHECKING:
    from imexseg.inference.open import AnyPredictor
    from imexseg.inference.tiling import Disagreement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "images", nargs="+", metavar="IMAGE", help="image files, folders with their subfolders, or quoted globs"
    )
    parser.add_argument(
        "--weights",
        default=None,
        metavar="W",
        help="a .safetensors or .onnx file, a run folder or a shipped name (default: qtips)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("predictions"), metavar="DIR", help="(default: predictions)"
    )
    parser.add_argument("--probabilities", action="store_true", help="also write <stem>_probabilities.npz")
    parser.add_argument(
        "--tile",
        type=positive_int,
        metavar="N",
        help="cut larger images into overlapping pieces of N x N pixels, in bounded memory",
    )
    parser.add_argument(
        "--white",
        type=positive_float,
        metavar="N",
        help="the pixel value that means white, where it is not the largest of its type: 4095 for 12 bits in a file of 16",
    )
    parser.add_argument("--tta", action="store_true", help="average over flips and three scales; 2 to 12 times as slow")


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for weights that cannot be read or a folder without images; JobError if some images failed."""
    from imexseg.cli.predict_tiled import predict_tiled
    from imexseg.inference.open import open_predictor
    from imexseg.inference.overlap import smallest_tile
    from imexseg.inference.tiling import TiledPredictor
    from imexseg.inference.tta import AugmentedPredictor
    from imexseg.inference.write_mask import ignored_in_words, values_in_words

    found_images, remarks = find_images(options.images, options.output)
    for line in remarks:
        messages.print(line)
    paths = [image.path for image in found_images]
    if options.tile and options.probabilities:
        raise UsageError(
            "--probabilities: does not go with --tile, which keeps no more than a strip in memory; leave out one"
        )
    predictor = open_predictor(options.weights)
    if options.tta:
        predictor = AugmentedPredictor(predictor)
    tiled = TiledPredictor(predictor, options.tile) if options.tile else None
    stems = unique_stems(found_images)
    failures = []
    said: set[str] = set()
    voids: list[int] = []  # pixels that mean nothing, of each image that has any
    found: Disagreement | None = None
    if tiled is not None and not tiled.enough:
        messages.print(
            f"tiles of {tiled.tile} px overlap by {tiled.overlap} px; one pixel sees {tiled.radius} px to each side, so a "
            f"--tile of {smallest_tile(tiled.radius)} or more would change less"
        )
    with progress_bar("images" if tiled is None else "tiles") as progress:
        for n_done, (path, stem) in enumerate(zip(paths, stems, strict=True)):
            try:
                target = options.output / stem
                if tiled is not None:
                    outcome = predict_tiled(tiled, path, target, found is None, progress, options.white)
                    found, n_void, remarks = outcome.disagreement or found, outcome.n_void, outcome.remarks
                else:
                    progress(n_done, len(paths))
                    n_void, remarks = predict_file(predictor, path, target, options.probabilities, options.white)
                if n_void:
                    voids.append(n_void)
                for remark in remarks:
                    if remark not in said:
                        said.add(remark)
                        messages.print(f"{path}: {remark}")
            except JobError:
                raise  # nothing can be written: it would be the same for the next image
            except ImexsegError as error:
                failures.append(str(error))
    if found is not None:
        height, width = found.size
        where = "the image" if found.is_whole else f"a window of {width} x {height} px"
        messages.print(
            f"tiles against {where} at once: {found.pixels:.3%} of the pixels have another class, "
            f"probabilities differ by at most {found.probability:.3g}"
        )
    n_done = len(paths) - len(failures)
    if n_done:
        where = in_words(options.output)
        messages.print(
            f"{n_done} of {len(paths)} images segmented; see <name>_overlay.png and <name>_mask.png in {where}"
        )
        numbers = values_in_words(predictor.info.names, predictor.info.values)
        if numbers is not None:
            messages.print(numbers)
        if voids:
            messages.print(ignored_in_words(voids, predictor.info.names, predictor.info.values))
    if failures:
        raise JobError("\n".join([*failures, f"{len(failures)} of {len(paths)} images failed"]))
    return 0


def predict_file(
    predictor: "AnyPredictor", path: Path, target: Path, probabilities: bool, white: float | None = None
) -> tuple[int, list[str]]:
    """Write target_mask.png, of a GeoTIFF also target_mask.tif with its georeference, target_overlay.png and, if asked for,
    target_probabilities.npz, in which pixels that mean nothing (data/read/void.py) are NaN.

    Args: white: the pixel value that means white; None: that of the image's type, if its values allow that.
    Returns: how many pixels mean nothing; what was done to make the image fit the network, or left out, in words.
    """
    import numpy as np

    from imexseg.data.description.labels import IGNORE
    from imexseg.data.read.as_trained import as_trained
    from imexseg.data.read.frames import first_of_several
    from imexseg.data.read.images import read_image_and_void
    from imexseg.data.read.void import with_ignored
    from imexseg.inference.write_files import mask_and_overlay

    image, void = read_image_and_void(path)
    pixels, converted = as_trained(image, predictor.info, path, white)
    prediction = predictor.segment(pixels, path)
    classes = with_ignored(prediction.classes, void, IGNORE)
    files, lost = mask_and_overlay(image, classes, void, predictor.info, path)
    if probabilities:
        buffer = io.BytesIO()
        known = (
            prediction.probabilities if void is None else np.where(void, np.float32(np.nan), prediction.probabilities)
        )
        np.savez_compressed(buffer, probabilities=known, names=np.array(predictor.info.names))
        files["probabilities.npz"] = buffer.getvalue()
    for ending, content in files.items():
        write_atomically(target.with_name(f"{target.name}_{ending}"), content)
    remarks = (first_of_several(path), converted, lost, predictor.adaptation(image))
    n_void = 0 if void is None else int(np.count_nonzero(void))
    return n_void, [remark for remark in remarks if remark is not None]
