"""imexseg plan: say how `train` would train on a data set, and why; write nothing."""

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imexseg.cli.console import counted, in_words, messages, positive_float, positive_int, progress_bar, size_in_bytes
from imexseg.cli.tables import print_table

if TYPE_CHECKING:
    from imexseg.plan.plan import Limits, Plan
    from imexseg.training.fit import RunData


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DATA", help="a folder with data.yaml, or the file itself")
    add_limits(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_limits(parser: argparse.ArgumentParser) -> None:
    """What a plan keeps; `train` has the same."""
    parser.add_argument(
        "--budget",
        type=duration,
        metavar="TIME",
        help="of the clock, all in all: 90s, 20m, 2h (default: what the recipe says, in 30m at most)",
    )
    parser.add_argument("--max-size", type=size_in_bytes, metavar="BYTES", help="of the exported .onnx: 100kB, 2MB")
    parser.add_argument(
        "--max-ms",
        type=positive_float,
        metavar="MS",
        help="milliseconds an image may take in onnxruntime on this machine",
    )
    parser.add_argument(
        "--threads", type=positive_int, metavar="N", help="threads of onnxruntime for --max-ms (default: 1)"
    )
    parser.add_argument(
        "--pretrained",
        choices=["auto", "never"],
        help="begin with weights of ImageNet where that pays and fits, or never (default: auto)",
    )


def limits_of(options: argparse.Namespace, budget: float | None = None) -> "Limits":
    """Args: budget: of a file of settings, where no flag says another."""
    from imexseg.plan.plan import Limits

    return Limits(
        options.budget or budget, options.max_size, options.max_ms, options.threads or 1, options.pretrained or "auto"
    )


def duration(text: str) -> float:
    """An option of time: 90s, 30m, 1h30m."""
    from imexseg.units import seconds

    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(options: argparse.Namespace) -> int:
    """Returns: 0. Raises: UsageError for data that `train` refuses, or limits that nothing meets."""
    begun = time.monotonic()
    from imexseg.plan.planner import make_plan

    data = look_at(options.data)
    plan = make_plan(data, {}, limits_of(options), begun, measure=True, say=messages.print)
    if options.json:
        print(json.dumps({"data": str(options.data)} | plan.as_dict() | {"settings": plan.settings}))
        return 0
    print_plan(plan, seen=True)
    flags = " ".join(_typed(options))
    messages.print(
        f"nothing was written; train so with: imexseg train {in_words(options.data)}{f' {flags}' if flags else ''}"
    )
    return 0


def look_at(where: Path) -> "RunData":
    """Every file of the data, read once. Raises: UsageError for what is wrong with it."""
    from imexseg.training.fit import look_at_data
    from imexseg.training.run_folder import process_rank

    with progress_bar("checking") as progress:
        data = look_at_data(where, progress)
    if process_rank() == 0:
        for line in data.warnings:
            messages.print(f"warning: {line}")
    return data


def _typed(options: argparse.Namespace) -> list[str]:
    """The limits, as they would be typed for `train`."""
    said = [f"--budget {options.budget:g}s"] if options.budget else []
    said += [f"--max-size {options.max_size}"] if options.max_size else []
    said += [f"--max-ms {options.max_ms:g}"] if options.max_ms else []
    said += [f"--threads {options.threads}"] if options.threads else []
    return [*said, "--pretrained never"] if options.pretrained == "never" else said


def print_plan(plan: "Plan", seen: bool) -> None:
    """On standard output. Args: seen: with what was seen of the data."""
    from imexseg.plan.plan import expected_in_words

    if seen:
        _print_seen(plan.seen)
    print_table([(d.what, d.value, d.why) for d in plan.decisions], ("decision", "", "because"), left=3)
    print()
    rows = list(expected_in_words(plan.expected).items())
    print_table([*rows, ("decided by", plan.decided_by)], ("expected", ""), left=2)
    for remark in plan.remarks:
        print(f"note: {remark}")


def _print_seen(seen: dict[str, Any]) -> None:
    sizes = ", ".join(f"{size['width']} x {size['height']} ({size['images']})" for size in seen["sizes"])
    more = seen["different_sizes"] - len(seen["sizes"])
    rows = [
        ("images", f"{seen['train_images']} for training, {seen['val_images']} for validation"),
        ("pixels (images)", sizes + (f" and {counted(more, 'more size')}" if more > 0 else "")),
        ("bands, type", f"{seen['bands']} x {seen['type']}, {seen['ignored_share']:.1%} of the pixels ignored"),
        (
            "up and down",
            f"halves differ in {seen['up_and_down']:.0%} of their pixels; left and right {seen['left_and_right']:.0%}",
        ),
    ]
    if seen["reach"] is not None:
        rows.append(("class decided", _reach_in_words(seen["reach"])))
    doubles = [f"{counted(seen['equal_images'], 'image')} of training twice"] if seen["equal_images"] else []
    doubles += [f"{seen['train_images_in_val']} in validation too"] if seen["train_images_in_val"] else []
    rows.append(("duplicates", ", ".join(doubles) or "none"))
    print_table(rows, ("seen", ""), left=2)
    print()
    head = ("class", "pixels", "images", "objects", "size px", "thickness px")
    classes = [
        (
            one["class"],
            f"{one['pixel_share']:.2%}",
            str(one["images"]),
            str(one["objects"]),
            *("-" if one[key] is None else f"{one[key]:g}" for key in ("size", "thickness")),
        )
        for one in seen["classes"]
    ]
    print_table(classes, head)
    print(
        f"objects: in {seen['masks_measured']} masks; size: side of a square of the median area; thickness: of the median pixel\n"
    )


def _halves_in_words(seen: dict[str, Any]) -> str:
    vertical, horizontal = seen["up_and_down"], seen["left_and_right"]
    return f"upper and lower halves differ in {vertical:.0%} of their pixels, left and right ones in {horizontal:.0%}"


def _reach_in_words(reach: dict[str, Any]) -> str:
    curve = reach["recognised_within"]
    if reach["pixels"] is None or not curve:
        return "cannot be told from colour and texture"
    alone, best = curve["0"], max(curve.values())
    within = "by the pixel alone" if not reach["pixels"] else f"within about {reach['pixels']} px"
    return (
        f"{within}, as far as colour and texture tell ({alone:.0%} recognised by the pixel alone, {best:.0%} at best)"
    )
