"""imexseg check: check every file of a data set and report problems; --init writes a first data.yaml."""

import argparse
import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imexseg.cli.console import in_words, messages, progress_bar
from imexseg.cli.engine import add_engine, check_engine, data_here, pool_of
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
    parser.add_argument("--init", action="store_true", help="write a first data.yaml from what the folder DATA holds")
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
    n_errors, n_warnings = len(report.errors), len(report.warnings)
    if n_errors:
        messages.print(
            f"imexseg: {n_errors} errors, {n_warnings} warnings; `train` refuses until the errors are mended"
        )
        return 2
    where = in_words(data) if mirror is None else f"a copy of {mirror.url}"
    messages.print(f"no errors, {n_warnings} warnings; train on it with: imexseg train {where}")
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
    for split, found in splits.items():
        sizes = [f"{size['width']} x {size['height']} ({size['images']})" for size in found["sizes"]]
        more = f" and {len(sizes) - SIZES_SHOWN} more sizes" if len(sizes) > SIZES_SHOWN else ""
        kinds = ", ".join(f"{kind['dtype']} x {kind['channels']} ({kind['images']})" for kind in found["kinds"])
        print(f"{split:5}  {found['images']} pairs; {', '.join(sizes[:SIZES_SHOWN])}{more} px; {kinds}")
        mean, std = (" ".join(f"{value:.4g}" for value in found[name]) for name in ("mean", "std"))
        print(f"       mean {mean}; std {std}; ignored {found['ignored_share']:.2%} of the pixels")
    if not splits:
        return
    width = max(len(name) for name in ("class", *facts["names"]))
    print("\n" + " " * width + "".join(f"  {split + ': pixels':>14}  {'images':>7}" for split in splits))
    for name in facts["names"]:
        shares = [found["classes"][name] for found in splits.values()]
        cells = "".join(f"  {share['pixel_share']:14.3%}  {share['image_share']:7.1%}" for share in shares)
        print(f"{name:{width}}{cells}")
    print()
