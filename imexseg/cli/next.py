"""imexseg next: which images to label next."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from imexseg.cli.console import in_words, messages, positive_int, progress_bar
from imexseg.cli.inputs import find_images
from imexseg.cli.tables import print_table
from imexseg.errors import JobError, UsageError
from imexseg.files import require_unused

if TYPE_CHECKING:
    from imexseg.choosing.choose import Choice
    from imexseg.choosing.look import Look
    from imexseg.models.contract import ImageNetwork

NUMBER = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data", type=Path, metavar="DATA", help="the labelled images: a folder with data.yaml, or the file"
    )
    parser.add_argument(
        "--unlabelled",
        nargs="+",
        required=True,
        metavar="IMAGE",
        help="what to choose from: image files, folders with their subfolders, or quoted globs",
    )
    parser.add_argument("-n", type=positive_int, default=NUMBER, metavar="N", help=f"how many (default: {NUMBER})")
    parser.add_argument(
        "--weights", required=True, metavar="W", help="trained on DATA: a run folder or a .safetensors file"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="write next.html, a contact sheet, and next.csv")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for weights or data that cannot be read, JobError if some unlabelled images could not."""
    if options.output is not None:
        require_unused(options.output)
    if options.weights.lower().endswith(".onnx"):
        raise UsageError(
            f"{options.weights}: an exported file does not show what is inside the network; give its .safetensors weights"
        )
    from imexseg.choosing.choose import choose
    from imexseg.data.description.data_yaml import load_description
    from imexseg.data.pairs.pairs import list_pairs
    from imexseg.inference.open import need_torch
    from imexseg.models.weights import find_weights

    weights = find_weights(options.weights)
    need_torch(options.weights)
    from imexseg.models.artefact import load

    network = load(weights)
    labelled = [pair.image for pair in list_pairs(load_description(options.data), "train")]
    found, remarks = find_images(options.unlabelled, options.output or Path("next"))
    for line in remarks:
        messages.print(line)
    known = {path.resolve() for path in labelled}
    paths = [Path(str(image.path)) for image in found]
    candidates = [path for path in paths if path.resolve() not in known]
    if not candidates:
        raise UsageError(f"{options.unlabelled[0]}: every image there is labelled in {options.data} already")
    with progress_bar("images") as progress:
        of_labelled, failed = _looks(network, labelled, len(labelled) + len(candidates), progress, 0)
        if failed:
            raise UsageError("\n".join(failed))
        of_candidates, failed = _looks(network, candidates, len(labelled) + len(candidates), progress, len(labelled))
    seen = list(of_candidates)
    if not seen:
        raise JobError("\n".join([*failed, "none of the images can be read"]))
    choices = choose(options.n, list(of_labelled.values()), list(of_candidates.values()))
    rows = [(seen[choice.number], of_candidates[seen[choice.number]], choice) for choice in choices]
    _say(options, rows, len(seen), len(labelled))
    if options.output is not None:
        _write(options.output, network, rows)
    if failed:
        raise JobError("\n".join([*failed, f"{len(failed)} of {len(candidates)} images failed"]))
    return 0


def _looks(
    network: "ImageNetwork", paths: list[Path], total: int, progress, before: int
) -> "tuple[dict[Path, Look], list[str]]":
    """Of each image that can be read; a line for each of the others."""
    from imexseg.choosing.look import look_at
    from imexseg.data.read.images import read_image_and_void

    looks, failed = {}, []
    for number, path in enumerate(paths, start=before + 1):
        try:
            looks[path] = look_at(network, *read_image_and_void(path), name=str(path))
        except UsageError as error:
            failed.append(str(error))
        progress(number, total)
    return looks, failed


def _say(options: argparse.Namespace, rows: "list[tuple[Path, Look, Choice]]", n_seen: int, n_labelled: int) -> None:
    if options.json:
        listed = [
            {"file": str(path), "confidence": look.confidence, "distance": choice.distance}
            for path, look, choice in rows
        ]
        print(json.dumps({"next": listed, "unlabelled": n_seen, "labelled": n_labelled}))
        return
    print_table(
        [(str(path), f"{look.confidence:.3f}", f"{choice.distance:.3f}") for path, look, choice in rows],
        head=("label next", "mean confidence", "distance to the nearest"),
    )


def _write(folder: Path, network: "ImageNetwork", rows: "list[tuple[Path, Look, Choice]]") -> None:
    """Raises: JobError if it cannot be written."""
    from imexseg.data.read.images import read_image
    from imexseg.files import folder_appearing_whole
    from imexseg.inference.predictor import Predictor
    from imexseg.report.contact_sheet import Candidate, as_csv, as_page

    predictor = Predictor(network)
    candidates = []
    for path, look, choice in rows:
        image = read_image(path)
        classes = predictor.predict(image, path).classes
        candidates.append(Candidate(str(path), image, classes, look.confidence, choice.distance))
    with folder_appearing_whole(folder) as building:
        (building / "next.csv").write_bytes(as_csv(candidates))
        (building / "next.html").write_text(as_page(candidates, network.info.palette), encoding="utf-8")
    messages.print(f"contact sheet: {in_words(folder / 'next.html')}")
