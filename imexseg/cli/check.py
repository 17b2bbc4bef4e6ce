"""imexseg check: check every file of a data set and report problems; --init writes a first data.yaml."""

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from imexseg.cli.console import counted, in_words, messages, progress_bar
from imexseg.cli.tables import print_table

SIZES_SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DATA", help="a folder with data.yaml, or the file itself")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--init", action="store_true", help="look at the folder DATA and write a first data.yaml")


def run(options: argparse.Namespace) -> int:
    """Returns: 0 without errors, warnings or not; 2 with errors, which `train` would refuse.

    Raises: UsageError for a data.yaml that cannot be read, or with --init exists.
    """
    return _init(options.data) if options.init else _check(options.data, options.json)


def _init(folder: Path) -> int:
    from imexseg.data.check.init import write_first_description

    with progress_bar("masks") as progress:
        found = write_first_description(folder, progress)
    messages.print(f"{in_words(found.path)} written: {found.summary}")
    for line in found.to_do:
        messages.print(f"  - {line}")
    messages.print(f"then: imexseg check {in_words(folder)}")
    return 0


def _check(data: Path, as_json: bool) -> int:
    from imexseg.data.check.problem import as_lines
    from imexseg.data.check.report import check_dataset
    from imexseg.data.description.data_yaml import load_description
    from imexseg.data.pairs.pairs import available_splits

    description = load_description(data)
    splits = [split for split in ("train", "val", "test") if split in {"train", "val", *available_splits(description)}]
    with progress_bar("pairs") as progress:
        report = check_dataset(description, splits, progress)
    facts = report.as_dict()
    if as_json:
        print(json.dumps(facts))
    else:
        _print_facts(facts)
        for word, problems in (("error", report.errors), ("warning", report.warnings)):
            for line in as_lines(problems):
                print(f"{word}: {line}")
    errors, warnings = counted(len(report.errors), "error"), counted(len(report.warnings), "warning")
    if report.errors:
        messages.print(f"imexseg: {errors}, {warnings}; `train` refuses this data until the errors are fixed")
        return 2
    messages.print(f"no errors, {warnings}; train on it with: imexseg train {in_words(data)}")
    return 0


def _print_facts(facts: dict[str, Any]) -> None:
    splits = facts["splits"]
    if not splits:
        return
    print_table(
        [_row_of_split(split, found) for split, found in splits.items()],
        head=("split", "pairs", "pixels (images)", "type x channels (images)", "mean", "deviation", "ignored"),
        left=6,
    )
    print()
    kinds = ("pixels", "images")
    print_table(
        [(name, *_shares(found["classes"][name] for found in splits.values())) for name in facts["names"]],
        head=("class", *(f"{split}: {kind}" for split in splits for kind in kinds)),
    )
    print()


def _row_of_split(split: str, found: dict[str, Any]) -> tuple[str, ...]:
    sizes = [f"{size['width']} x {size['height']} ({size['images']})" for size in found["sizes"]]
    more = f" and {len(sizes) - SIZES_SHOWN} more sizes" if len(sizes) > SIZES_SHOWN else ""
    kinds = ", ".join(f"{kind['dtype']} x {kind['channels']} ({kind['images']})" for kind in found["kinds"])
    mean, std = (" ".join(f"{value:.4g}" for value in found[name]) for name in ("mean", "std"))
    sizes_shown = ", ".join(sizes[:SIZES_SHOWN]) + more
    return split, str(found["images"]), sizes_shown, kinds, mean, std, f"{found['ignored_share']:.2%}"


def _shares(classes: Iterable[dict[str, float]]) -> Iterator[str]:
    for share in classes:
        yield f"{share['pixel_share']:.3%}"
        yield f"{share['image_share']:.1%}"
