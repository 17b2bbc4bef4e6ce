"""imexseg predict: segment images; write masks and overlays at the original size."""

import argparse
import glob
import io
from pathlib import Path
from typing import TYPE_CHECKING

from imexseg.cli.console import in_words, messages, positive_int, progress_bar
from imexseg.errors import ImexsegError, JobError, UsageError
from imexseg.files import write_atomically

if TYPE_CHECKING:
    from imexseg.inference.open import AnyPredictor
    from imexseg.inference.tiling import Disagreement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files, folders of images, or quoted globs")
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
    parser.add_argument("--tta", action="store_true", help="average over flips and three scales; 2 to 12 times as slow")


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for weights that cannot be read or a folder without images; JobError if some images failed."""
    from imexseg.cli.predict_tiled import predict_tiled
    from imexseg.inference.open import open_predictor
    from imexseg.inference.overlap import smallest_tile
    from imexseg.inference.tiling import TiledPredictor
    from imexseg.inference.tta import AugmentedPredictor

    paths = find_images(options.images)
    if options.tile and options.probabilities:
        raise UsageError(
            "--probabilities: does not go with --tile, which keeps no more than a strip in memory; leave out one"
        )
    predictor = open_predictor(options.weights)
    if options.tta:
        predictor = AugmentedPredictor(predictor)
    tiled = TiledPredictor(predictor, options.tile) if options.tile else None
    stems = unique_stems(paths)
    failures = []
    said: set[str] = set()
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
                    found = predict_tiled(tiled, path, target, found is None, progress) or found
                    continue
                progress(n_done, len(paths))
                adapted = predict_file(predictor, path, target, options.probabilities)
                if adapted is not None and adapted not in said:
                    said.add(adapted)
                    messages.print(f"{path}: {adapted}")
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
    if failures:
        raise JobError("\n".join([*failures, f"{len(failures)} of {len(paths)} images failed"]))
    return 0


def predict_file(predictor: "AnyPredictor", path: Path, target: Path, probabilities: bool) -> str | None:
    """Write target_mask.png (class numbers), target_overlay.png and, if asked for, target_probabilities.npz.

    Returns: what was done to fit the image to a network of a fixed size, if anything.
    """
    import numpy as np

    from imexseg.data.read.images import read_image
    from imexseg.inference.write_picture import overlay, png_bytes

    image = read_image(path)
    prediction = predictor.predict(image, path)
    files = {
        "mask.png": png_bytes(prediction.classes),
        "overlay.png": png_bytes(overlay(image, prediction.classes, predictor.info.palette)),
    }
    if probabilities:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, probabilities=prediction.probabilities, names=np.array(predictor.info.names))
        files["probabilities.npz"] = buffer.getvalue()
    for ending, content in files.items():
        write_atomically(target.with_name(f"{target.name}_{ending}"), content)
    return predictor.adaptation(image)


def find_images(arguments: list[str]) -> list[Path]:
    """Files as named, the images of folders, the matches of globs; each once. Raises: UsageError if one finds nothing."""
    from imexseg.data.pairs.suffixes import IMAGE_SUFFIXES

    found: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            images = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.name[0] != ".")
            if not images:
                raise UsageError(f"{path}: no images in this folder (looked for {', '.join(sorted(IMAGE_SUFFIXES))})")
            found += images
        elif not path.exists() and glob.has_magic(argument):
            matches = [Path(match) for match in sorted(glob.glob(argument, recursive=True))]
            if not matches:
                raise UsageError(f"{argument}: no file matches this pattern")
            found += [match for match in matches if match.is_file()]
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def unique_stems(paths: list[Path]) -> list[str]:
    """A name for the results of each image: its stem, made longer where two images share one."""
    taken: set[str] = set()
    stems = []
    for path in paths:
        candidates = [path.stem, path.name.replace(".", "_"), f"{path.absolute().parent.name}_{path.stem}"]
        candidates += [f"{path.stem}_{number}" for number in range(2, len(paths) + 2)]
        stem = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(stem)
        stems.append(stem)
    return stems
