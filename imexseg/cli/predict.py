"""imexseg predict: segment images; write masks and overlays at the original size."""

import argparse
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from imexseg.cli.console import in_words, messages, progress_bar
from imexseg.cli.engine import check_engine, pool_of, setup_of, wants_ray, weights_here
from imexseg.cli.inputs import Input, find_images, unique_stems
from imexseg.cli.predict_options import add_arguments
from imexseg.cli.predict_outlines import formats_of, outlines_of
from imexseg.cli.predict_report import summarise, write_report
from imexseg.errors import JobError, UsageError
from imexseg.interrupts import on_interrupt
from imexseg.storage.places import Place, Url, as_place

if TYPE_CHECKING:
    from imexseg.inference.image_files import Wanted
    from imexseg.inference.memory_limit import MemoryLimit
    from imexseg.inference.open import SharedPredictor
    from imexseg.inference.placed import PlacedJob, PlacedResult, Segment
    from imexseg.inference.tiling import TiledPredictor

__all__ = ["add_arguments", "run"]


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for weights that cannot be read or a folder without images; JobError if some images failed."""
    check_engine(options)
    output = as_place(options.output)
    report = as_place(options.report) if options.report else None
    found, remarks = find_images(options.images, output)
    _check(options, output, report, [image.path for image in found])
    for line in remarks:
        messages.print(line)
    with weights_here(options.weights) as weights:
        return _predict(options, weights, found, output, report)


def _predict(
    options: argparse.Namespace, weights: str | None, found: list[Input], output: Place, report: Place | None
) -> int:
    from imexseg.inference.confidence import require_probabilities, temperature_in_words
    from imexseg.inference.open import open_predictor
    from imexseg.inference.placed import PlacedJob
    from imexseg.inference.tta import AugmentedPredictor

    predictor = open_predictor(weights)
    if options.confidence:
        require_probabilities(predictor, weights, "--confidence")
        messages.print(f"confidence: {temperature_in_words(predictor.info)}")
    if options.tta:
        predictor = AugmentedPredictor(predictor)
    tiled = _tiled(predictor, options.tile) if options.tile else None
    limit = None if options.tile or options.probabilities else _limit(predictor, options.max_memory)
    places = zip(found, unique_stems(found), strict=True)
    jobs = [PlacedJob(k, image.path, output / stem, image.size) for k, (image, stem) in enumerate(places)]
    done = _done(options, output, jobs) if options.skip_existing else set()
    where = in_words(output) if isinstance(output, Path) else str(output)
    on_interrupt(
        lambda: (
            f"interrupted; what was finished is whole, in {where}; to go on, give the same command with --skip-existing"
        )
    )
    to_do = [job for job in jobs if job not in done]
    results: list[PlacedResult] = []
    not_outlined: list[str] = []
    with (
        outlines_of(options, output, predictor.info, jobs, sorted(done, key=_number), not_outlined) as outline,
        closing(_results(predictor, tiled or limit, to_do, options, weights)) as coming,
    ):
        for result in coming:
            results.append(result)
            if result.error is None:
                outline(result.job)
    results.sort(key=lambda result: result.job.number)
    areas = {result.job: result.areas for result in results if result.areas is not None}
    failures = [*(result.error for result in results if result.error is not None), *not_outlined]
    if report is not None:
        failures += write_report(report, predictor, jobs, areas, done)
    summarise(predictor, len(jobs), results, len(done), where)
    if failures:
        raise JobError("\n".join([*failures, f"{len(failures)} of {len(jobs)} images failed"]))
    return 0


def _number(job: "PlacedJob") -> int:
    return job.number


def _check(options: argparse.Namespace, output: Place, report: Place | None, paths: list[Place]) -> None:
    """Raises: UsageError for options that exclude each other, or a place that cannot be written to."""
    formats_of(options)
    bounded = "--tile" if options.tile else "--max-memory"
    if (options.tile or options.max_memory) and options.probabilities:
        raise UsageError(
            f"--probabilities: does not go with {bounded}, which keeps no more than a strip in memory; leave out one"
        )
    if options.tile and options.max_memory:
        raise UsageError(
            "--tile: does not go with --max-memory, which chooses the size of tiles by itself; leave out one"
        )
    for name, place in (("output", output), ("report", report)):
        if isinstance(place, Url) and place.is_web:
            raise UsageError(
                f"--{name} {place}: nothing can be written to a web address; give s3://, gs:// or a folder"
            )
    if isinstance(report, Path) and (
        report.is_dir() or report.resolve() in {path.resolve() for path in paths if isinstance(path, Path)}
    ):
        raise UsageError(f"--report {report}: is a folder or one of the images; give the name of a new .csv")


def _done(options: argparse.Namespace, output: Place, jobs: "list[PlacedJob]") -> "set[PlacedJob]":
    """Those whose results are there: a folder that lies elsewhere is listed once."""
    from imexseg.inference.placed import is_done_at
    from imexseg.storage.remote import files_below

    names = {file.url.text for file in files_below(output)} if isinstance(output, Url) else set()

    def there(place: Place) -> bool:
        return place.text in names if isinstance(place, Url) else place.exists()

    return {job for job in jobs if is_done_at(job, _wanted(options), not options.probabilities, there)}


def _wanted(options: argparse.Namespace) -> "Wanted":
    from imexseg.inference.image_files import Wanted

    return Wanted(options.probabilities, options.white, options.confidence)


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


def _limit(predictor: "SharedPredictor", max_memory: int | None) -> "MemoryLimit":
    from imexseg.inference.memory_limit import MemoryLimit

    return MemoryLimit(predictor, max_memory)


def _results(
    predictor: "SharedPredictor",
    bounded: "TiledPredictor | MemoryLimit | None",
    jobs: "list[PlacedJob]",
    options: argparse.Namespace,
    weights: str | None,
) -> "Generator[PlacedResult, None, None]":
    """One an image; what a person should know of it is printed, once."""
    said: set[str] = set()

    def say(place: Place, text: str) -> None:
        if text not in said:
            said.add(text)
            messages.print(f"{place}: {text}")

    wanted = _wanted(options)
    on_ray = wants_ray(options, len(jobs))
    with ExitStack() as stack:
        counts_images = on_ray or not (options.tile or len(jobs) == 1)
        progress = stack.enter_context(progress_bar("images" if counts_images else "tiles"))
        if on_ray:
            from imexseg.distributed.commands import predict_on
            from imexseg.inference.memory_limit import MemoryLimit

            memory = (bounded.limit, bounded.resident) if isinstance(bounded, MemoryLimit) else None
            pool = stack.enter_context(pool_of(options, len(jobs), setup_of(options, weights, predictor, memory)))
            results = predict_on(pool, jobs, wanted)
        else:
            from imexseg.inference.placed import predict_here

            local = {job.path for job in jobs}

            def at_first(path: Path, text: str) -> None:  # of a copy it is said later, with the place that it is of
                if path in local:
                    say(path, text)

            of_tiles = progress if not counts_images else lambda n_done, n_total: None
            results = predict_here(_segment(predictor, bounded, wanted, of_tiles, at_first), jobs)
        stack.enter_context(closing(results))
        for n_done, result in enumerate(results, 1):
            if counts_images:
                progress(n_done, len(jobs))
            for remark in result.remarks:
                say(result.job.path, remark)
            yield result


def _segment(
    predictor: "SharedPredictor",
    bounded: "TiledPredictor | MemoryLimit | None",
    wanted: "Wanted",
    progress: Callable[[int, int], None],
    say: Callable[[Path, str], None],
) -> "Segment":
    from imexseg.inference.limited import predict_images_within
    from imexseg.inference.pipeline import predict_images
    from imexseg.inference.tiled import predict_images_tiled
    from imexseg.inference.tiling import TiledPredictor

    if bounded is None:
        return lambda jobs: predict_images(predictor, jobs, wanted)
    if isinstance(bounded, TiledPredictor):
        return lambda jobs: predict_images_tiled(lambda source, path: (bounded, None), jobs, wanted, progress)
    return lambda jobs: predict_images_within(predictor, bounded, jobs, wanted, progress=progress, say=say)
