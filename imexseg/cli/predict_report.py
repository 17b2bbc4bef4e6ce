"""What imexseg predict says at its end: a table of areas, if asked for, and a summary."""

from pathlib import Path
from typing import TYPE_CHECKING

from imexseg.cli.console import messages
from imexseg.errors import ImexsegError
from imexseg.files import write_atomically
from imexseg.storage.places import Place, Url, beside
from imexseg.storage.scratch import scratch_folder

if TYPE_CHECKING:
    from imexseg.inference.areas import Areas
    from imexseg.inference.open import SharedPredictor
    from imexseg.inference.placed import PlacedJob, PlacedResult
    from imexseg.inference.tiling import Disagreement


def write_report(
    place: Place,
    predictor: "SharedPredictor",
    jobs: "list[PlacedJob]",
    areas: "dict[PlacedJob, Areas]",
    done: "set[PlacedJob]",
) -> list[str]:
    """A row of each image that has a mask. Returns: of which earlier masks it cannot be told, in words."""
    from imexseg.inference.areas import as_table

    failures = []
    for job in jobs:
        if job in done:
            try:
                areas[job] = _areas_of_earlier(job.target, predictor.info.values)
            except ImexsegError as error:
                failures.append(str(error))
    table = as_table(predictor.info.names, [(job.path, areas[job]) for job in jobs if job in areas])
    if isinstance(place, Path):
        write_atomically(place, table)
        return failures
    from imexseg.storage.remote import put

    with scratch_folder() as scratch:
        path = scratch / "areas.csv"
        path.write_bytes(table)
        put(path, place)
    return failures


def _areas_of_earlier(target: Place, values: list[int]) -> "Areas":
    """Raises: UsageError naming the mask if it cannot be read, or is not of these weights."""
    from imexseg.cli.engine import naming
    from imexseg.inference.areas import areas_of_mask
    from imexseg.inference.image_files import written_mask

    if isinstance(target, Path):
        return areas_of_mask(written_mask(target), values)
    from imexseg.storage.remote import exists, fetch

    png = beside(target, "_mask.png")
    assert isinstance(png, Url)
    mask = png if exists(png) else target.with_name(f"{target.name}_mask.tif")
    with scratch_folder() as scratch:
        path = scratch / f"mask{mask.suffix}"
        fetch(mask, path)
        with naming(path, mask):
            return areas_of_mask(path, values)


def summarise(
    predictor: "SharedPredictor", n_images: int, results: "list[PlacedResult]", n_skipped: int, where: str
) -> None:
    from imexseg.inference.write_mask import ignored_in_words, values_in_words

    names, values = predictor.info.names, predictor.info.values
    if differing := next((result.disagreement for result in results if result.disagreement), None):
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
