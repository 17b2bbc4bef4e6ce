"""`imexseg predict --write`: predictions as outlines that people correct in other tools."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imexseg.cli.console import counted, in_words, messages, non_negative_float
from imexseg.errors import UsageError
from imexseg.storage.places import Place, Url

if TYPE_CHECKING:
    from imexseg.inference.placed import PlacedJob

TOLERANCE = 1.0  # pixels
_FORMATS = ("labelme", "coco", "yolo", "voc")
_FOLDERS = {"labelme": "labelme", "coco": "coco/instances.json", "yolo": "yolo", "voc": "voc"}
_CANNOT_IGNORE = ("coco", "yolo")


def add_outlines(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "outlines", "For people who correct predictions instead of drawing; `imexseg convert` reads them back."
    )
    group.add_argument(
        "--write",
        action="append",
        type=_formats,
        metavar="FORMAT",
        help=f"also write outlines: {', '.join(_FORMATS)}; several with commas, or give it again",
    )
    group.add_argument(
        "--tolerance",
        type=non_negative_float,
        metavar="PX",
        help=f"pixels by which an outline may differ from the mask; 0: not at all (default: {TOLERANCE:g})",
    )


def _formats(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in _FORMATS]
    if unknown or not words:
        raise argparse.ArgumentTypeError(f"{unknown[0] if unknown else text!r} is none of {', '.join(_FORMATS)}")
    return words


def formats_of(options: argparse.Namespace) -> list[str]:
    """Each once, in the order given. Raises: UsageError for a tolerance without them."""
    formats = list(dict.fromkeys(word for words in options.write or [] for word in words))
    if options.tolerance is not None and not formats:
        raise UsageError("--tolerance: says how exact outlines are; add --write labelme, coco, yolo or voc")
    return formats


@contextmanager
def outlines_of(
    options: argparse.Namespace,
    output: Place,
    info: Any,
    jobs: "Sequence[PlacedJob]",
    done: "Sequence[PlacedJob]",
    failures: list[str],
) -> "Iterator[Callable[[PlacedJob], None]]":
    """What takes each image whose mask has appeared; those that are done already are taken first.

    Args: failures: gets a line for each image that cannot be outlined.
    Raises: UsageError, before anything is written, for outlines that would be overwritten, and for names that a format lacks.
    """
    formats = formats_of(options)
    if not formats:
        yield lambda job: None
        return
    from imexseg.inference.outlines.write import OutlineFiles

    _require_names(formats, info.names, jobs)
    kept = _there(formats, output, jobs)
    _require_kept(kept, output, options.skip_existing)
    tolerance = TOLERANCE if options.tolerance is None else options.tolerance
    files = OutlineFiles(formats, tolerance, output, info, jobs, frozenset(kept))
    with files.writing():
        for job in done:
            files.add(job)
        yield files.add
    failures += files.failures
    places = [output / _FOLDERS[form] for form in formats]
    where = ", ".join(in_words(place) if isinstance(place, Path) else str(place) for place in places)
    messages.print(f"outlines of {counted(len(files.outlined), 'image')}: {where}")
    lossy = [form for form in formats if form in _CANNOT_IGNORE]
    if files.void and lossy:
        messages.print(
            f"{' and '.join(lossy)} cannot say that a pixel means nothing: in {counted(len(files.void), 'image')} such pixels "
            "are background there"
        )


def _require_names(formats: list[str], names: Sequence[str], jobs: "Sequence[PlacedJob]") -> None:
    """Raises: UsageError."""
    for form, forbidden in (("labelme", "\n\r"), ("voc", ":\n\r")):
        for name in names if form in formats else []:
            if any(letter in name for letter in forbidden) or name.startswith("#"):
                raise UsageError(f"--write {form}: its list of classes cannot hold the name {name!r}; leave {form} out")
    renamed = next((job for job in jobs if job.target.name != job.path.stem), None)
    by_name = [form for form in formats if form in ("yolo", "voc")]
    if renamed is not None and by_name:
        raise UsageError(
            f"{renamed.path}: shares its name with another image, and {by_name[0]} knows images by their names alone; rename one"
        )


def _there(formats: list[str], output: Place, jobs: "Sequence[PlacedJob]") -> set[str]:
    """Files of outlines that exist, below the output."""
    from imexseg.inference.outlines.places import COCO, files_of_image, stem_of

    stems = [stem_of(job, output) for job in jobs]
    wanted = [path for form in formats for stem in stems for path in files_of_image(form, stem)]
    wanted += [COCO] * ("coco" in formats)
    if isinstance(output, Url):
        from imexseg.storage.remote import files_below

        found = {file.url.text for file in files_below(output)}
        return {path for path in wanted if (output / path).text in found}
    return {path for path in wanted if (output / path).exists()}


def _require_kept(there: set[str], output: Place, skip_existing: bool) -> None:
    """Raises: UsageError for what somebody may have corrected."""
    lost = sorted(path for path in there if not skip_existing or path.startswith("coco/"))
    if lost:
        of_image = not lost[0].startswith("coco/")
        remedy = "add --skip-existing to keep it" if of_image else "move it away"
        raise UsageError(f"{output / lost[0]}: exists, and may hold corrections; {remedy}, or choose another --output")
