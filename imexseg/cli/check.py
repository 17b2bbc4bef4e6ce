"""imexseg check: check every file of a data set and report problems; --init writes a first data.yaml."""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imexseg.cli.console import counted, in_words, messages, progress_bar
from imexseg.cli.engine import add_engine, check_engine, data_here, pool_of
from imexseg.cli.tables import print_table
from imexseg.errors import UsageError
from imexseg.storage.places import Url, as_place

if TYPE_CHECKING:
    from imexseg.data.check.scan import Read
    from imexseg.data.pairs.pairs import Pair
    from imexseg.storage.mirror import Mirror

SIZES_SHOWN = 3
MOST_WORKERS = 1 << 10  # as many as the cluster has cores, up to this


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="DATA", help="a folder with data.yaml, or the file itself")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--init", action="store_true", help="look at the folder DATA and write a first data.yaml")
    add_engine(parser, with_network=False)


def run(options: argparse.Namespace) -> int:
    """Returns: 0 without errors, warnings or not; 2 with errors, which `train` would refuse.

    Raises: UsageError for a data.yaml that cannot be read, or with --init exists.
    """
    check_engine(options)
    if options.init:
        return _init(options)
    with data_here(options.data) as (data, mirror):
        return _check(options, data, mirror)


def _init(options: argparse.Namespace) -> int:
    from imexseg.data.check.init import write_first_description

    folder = as_place(options.data)
    if isinstance(folder, Url) or options.engine != "local":
        raise UsageError(
            f"{folder}: --init looks at a folder of this machine, by itself; copy a few files of each class here"
        )
    with progress_bar("masks") as progress:
        found = write_first_description(folder, progress)
    messages.print(f"{in_words(found.path)} written: {found.summary}")
    for line in found.to_do:
        messages.print(f"  - {line}")
    messages.print(f"then: imexseg check {in_words(folder)}")
    return 0


def _check(options: argparse.Namespace, data: Path, mirror: "Mirror | None") -> int:
    from imexseg.data.check.problem import as_lines
    from imexseg.data.check.report import check_dataset
    from imexseg.data.check.scan import read_pairs
    from imexseg.data.description.data_yaml import load_description
    from imexseg.data.pairs.pairs import available_splits

    description = load_description(data.absolute() if options.engine == "ray" else data)
    if mirror is not None:
        mirror.require_inside(description.images, description.masks)
    splits = [split for split in ("train", "val", "test") if split in {"train", "val", *available_splits(description)}]
    with ExitStack() as stack:
        progress = stack.enter_context(progress_bar("pairs"))
        pool = stack.enter_context(pool_of(options, MOST_WORKERS)) if options.engine == "ray" else None

        def read(pairs: "list[Pair]") -> "Iterable[Read]":
            if pool is None:
                return read_pairs(pairs, description, mirror)
            from imexseg.distributed.commands import check_on

            return check_on(pool, pairs, description, mirror)

        report = check_dataset(description, splits, progress, read)
    named = str if mirror is None else mirror.named
    facts = report.as_dict()
    if options.json:
        print(json.dumps(_renamed(facts, named)))
    else:
        _print_facts(facts)
        for word, problems in (("error", report.errors), ("warning", report.warnings)):
            for line in as_lines(problems):
                print(named(f"{word}: {line}"))
    errors, warnings = counted(len(report.errors), "error"), counted(len(report.warnings), "warning")
    if report.errors:
        messages.print(f"imexseg: {errors}, {warnings}; `train` refuses this data until the errors are fixed")
        return 2
    where = in_words(data) if mirror is None else f"a copy of {mirror.url}"
    messages.print(f"no errors, {warnings}; train on it with: imexseg train {where}")
    return 0


def _renamed(value: Any, named: Callable[[str], str]) -> Any:
    """The same with other names in all its texts."""
    if isinstance(value, dict):
        return {key: _renamed(one, named) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, named) for one in value]
    return named(value) if isinstance(value, str) else value


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
