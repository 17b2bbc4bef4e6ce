"""imexseg generate: write a data set of Q-tips."""

import argparse
from pathlib import Path

from imexseg.cli.console import in_words, messages, positive_int, progress_bar, seed
from imexseg.data_gen import PRESETS, write_dataset
from imexseg.errors import UsageError
from imexseg.files import folder_appearing_whole, require_unused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["qtips"], help="the kind of data")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write, new or empty")
    presets = "; ".join(f"{name}: {preset.description}" for name, preset in PRESETS.items())
    parser.add_argument("--preset", choices=list(PRESETS), default="authors", help=f"{presets} (default: authors)")
    parser.add_argument(
        "--size",
        type=positive_int,
        metavar="N",
        help="height and width in pixels, 32 to 1024 (default: the preset's own)",
    )
    for split, number in (("train", 1024), ("val", 64), ("test", 64)):
        parser.add_argument(
            f"--{split}", type=positive_int, default=number, metavar="N", help=f"number of images (default: {number})"
        )
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="S", help="the same seed always gives the same images (default: 0)"
    )


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for a size out of range or an OUT that is taken; JobError if it cannot be written."""
    counts = {"train": options.train, "val": options.val, "test": options.test}
    total = sum(counts.values())
    require_unused(options.out)
    try:
        with folder_appearing_whole(options.out) as building, progress_bar("images") as progress:
            write_dataset(
                building, options.preset, options.size, counts, options.seed, lambda n_done: progress(n_done, total)
            )
    except ValueError as error:
        raise UsageError(f"generate: {error}") from None
    where = in_words(options.out)
    messages.print(f"{total} images and masks in {where}; train on them with: imexseg train {where}")
    return 0
