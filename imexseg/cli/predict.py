"""imexseg predict: segment images; write masks and overlays at the original size."""

import argparse
import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from imexseg.cli.console import in_words, messages, positive_float, positive_int, progress_bar
from imexseg.cli.inputs import find_images, unique_stems
from imexseg.errors import ImexsegError, JobError, UsageError
from imexseg.files import write_atomically
from imexseg.interrupts import on_interrupt

if TYPE_CHECKING:
    from imexseg.inference.areas import Areas
    from imexseg.inference.open import SharedPredictor
    from imexseg.inference.pipeline import Job, Result
    from imexseg.inference.tiling import Disagreement, TiledPredictor


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
    parser.add_argument(
        "--skip-existing",
        action="store_true",
        help="leave images alone whose results are all in DIR already; this looks at the names of files only, not at which "
        "weights or options wrote them",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.csv",
        help="write a table: of each image its size, and how many pixels have each class",
    )
    parser.add_argument("--tta", action="store_true", help="average over flips and three scales; 2 to 12 times as slow")


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for weights that cannot be read or a folder without images; JobError if some images failed."""
    from imexseg.inference.image_files import is_done
    from imexseg.inference.open import open_predictor
    from imexseg.inference.pipeline import Job
    from imexseg.inference.tta import AugmentedPredictor

    found, remarks = find_images(options.images, options.output)
    _check(options, [image.path for image in found])
    for line in remarks:
        messages.print(line)
    predictor = open_predictor(options.weights)
    if options.tta:
        predictor = AugmentedPredictor(predictor)
    tiled = _tiled(predictor, options.tile) if options.tile else None
    jobs = [Job(image.path, options.output / stem) for image, stem in zip(found, unique_stems(found), strict=True)]
    done = {
        job
        for job in jobs
        if options.skip_existing and is_done(job.path, job.target, options.probabilities, bool(options.tile))
    }
    where = in_words(options.output)
    on_interrupt(
        lambda: (
            f"interrupted; what was finished is whole, in {where}; to go on, give the same command with --skip-existing"
        )
    )
    results = list(_results(predictor, tiled, [job for job in jobs if job not in done], options))
    areas = {result.job: result.areas for result in results if result.areas is not None}
    failures = [result.error for result in results if result.error is not None]
    if options.report:
        failures += _write_report(options.report, predictor, jobs, areas, done)
    _summarise(predictor, len(jobs), results, len(done), where)
    if failures:
        raise JobError("\n".join([*failures, f"{len(failures)} of {len(jobs)} images failed"]))
    return 0


def _check(options: argparse.Namespace, paths: list[Path]) -> None:
    """Raises: UsageError for options that exclude each other, or a report in the place of something else."""
    if options.tile and options.probabilities:
        raise UsageError(
            "--probabilities: does not go with --tile, which keeps no more than a strip in memory; leave out one"
        )
    if options.report and (options.report.is_dir() or options.report.resolve() in {path.resolve() for path in paths}):
        raise UsageError(f"--report {options.report}: is a folder or one of the images; give the name of a new .csv")


def _tiled(predictor: "SharedPredictor", tile: int) -> "TiledPredictor":
    from imexseg.inference.overlap import smallest_tile
    from imexseg.inference.tiling import TiledPredictor

    tiled = TiledPredictor(predictor, tile)
    if not tiled.enough:
        messages.print(
            f"tiles of {tiled.tile} px overlap by {tiled.overlap} px; one pixel sees {tiled.radius} px to each side, so a "
            f"--tile of {smallest_tile(tiled.radius)} or more would change less"
        )
    return tiled


def _results(
    predictor: "SharedPredictor", tiled: "TiledPredictor | None", jobs: "list[Job]", options: argparse.Namespace
) -> "Generator[Result, None, None]":
    """One an image, in order; what a person should know of it is printed, once."""
    from imexseg.inference.pipeline import Wanted, predict_images

    said: set[str] = set()
    with progress_bar("images" if tiled is None else "tiles") as progress:
        if tiled is None:
            results = predict_images(predictor, jobs, Wanted(options.probabilities, options.white))
        else:
            from imexseg.cli.predict_tiled import predict_images_tiled

            results = predict_images_tiled(tiled, jobs, options.white, progress)
        with contextlib.closing(results):
            for n_done, result in enumerate(results, 1):
                if tiled is None:
                    progress(n_done, len(jobs))
                for remark in result.remarks:
                    if remark not in said:
                        said.add(remark)
                        messages.print(f"{result.job.path}: {remark}")
                yield result


def _write_report(
    path: Path, predictor: "SharedPredictor", jobs: "list[Job]", areas: "dict[Job, Areas]", done: "set[Job]"
) -> list[str]:
    """A row of each image that has a mask. Returns: of which earlier masks it cannot be told, in words."""
    from imexseg.inference.areas import areas_of_mask, as_table
    from imexseg.inference.image_files import written_mask

    failures = []
    for job in jobs:
        if job in done:
            try:
                areas[job] = areas_of_mask(written_mask(job.target), predictor.info.values)
            except ImexsegError as error:
                failures.append(str(error))
    write_atomically(path, as_table(predictor.info.names, [(job.path, areas[job]) for job in jobs if job in areas]))
    return failures


def _summarise(
    predictor: "SharedPredictor", n_images: int, results: "list[Result]", n_skipped: int, where: str
) -> None:
    from imexseg.inference.write_mask import ignored_in_words, values_in_words

    names, values = predictor.info.names, predictor.info.values
    if differing := next((d for result in results if (d := getattr(result, "disagreement", None))), None):
        messages.print(_disagreement_in_words(differing))
    n_done = sum(result.error is None for result in results)
    if n_done or n_skipped:
        skipped = f", {n_skipped} skipped, whose results were there" if n_skipped else ""
        messages.print(
            f"{n_done} of {n_images} images segmented{skipped}; see <name>_overlay.png and <name>_mask.png in {where}"
        )
        if (numbers := values_in_words(names, values)) is not None:
            messages.print(numbers)
        if voids := [result.areas.ignored for result in results if result.areas and result.areas.ignored]:
            messages.print(ignored_in_words(voids, names, values))


def _disagreement_in_words(found: "Disagreement") -> str:
    height, width = found.size
    where = "the image" if found.is_whole else f"a window of {width} x {height} px"
    return (
        f"tiles against {where} at once: {found.pixels:.3%} of the pixels have another class, "
        f"probabilities differ by at most {found.probability:.3g}"
    )
