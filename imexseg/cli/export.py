"""imexseg export: export a network to one .onnx file, verified against torch."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imexseg.cli.console import in_words, messages, positive_int
from imexseg.errors import UsageError
from imexseg.units import in_bytes

if TYPE_CHECKING:
    from imexseg.export.metadata import ExportOptions
    from imexseg.export.write import Exported


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "weights", metavar="WEIGHTS", help="a .safetensors file, a run folder, or the name of shipped weights"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE.onnx",
        help="file to write (default: beside the weights; for shipped weights, in the current folder)",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--size",
        type=positive_int,
        nargs=2,
        metavar=("H", "W"),
        help="size of the images in pixels (default: that of the training images)",
    )
    size.add_argument("--dynamic", action="store_true", help="accept images of any size; slightly slower")
    parser.add_argument(
        "--precision",
        choices=["fp32", "fp16", "int8"],
        help="number format inside the file (default: fp32, or what the training was planned for)",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="DATA",
        help="a data set for comparing the file with torch, and for choosing the ranges of int8",
    )
    parser.add_argument(
        "--allow-loss",
        action="store_true",
        help="keep an int8 file that loses more than 0.01 of mIoU or changes more than 1 %% of the pixels",
    )
    parser.add_argument(
        "--core",
        action="store_true",
        help="the layers alone, float NCHW in and logits out, for converters to other runtimes; what to do before and after "
        "them stands in FILE.onnx.json",
    )
    parser.add_argument("--probabilities", action="store_true", help="also output the probability of each class")


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for wrong use; JobError if the file disagrees with torch or cannot be written."""
    from imexseg.inference.open import need_torch

    if options.weights.lower().endswith(".onnx"):
        raise UsageError(f"{options.weights}: is already an .onnx file; give the .safetensors file that it came from")
    need_torch("imexseg export")
    from imexseg.data.description.data_yaml import load_description
    from imexseg.export.metadata import ExportOptions
    from imexseg.export.write import default_size, export
    from imexseg.models.artefact import load
    from imexseg.models.weights import find_weights

    source = find_weights(options.weights)
    network = load(source)
    data = load_description(options.calibration) if options.calibration else None
    asked_for = tuple(options.size) if options.size else default_size(network)
    if asked_for is None and not options.dynamic:
        raise UsageError(f"{source}: does not record the size of its training images; give --size H W or --dynamic")
    planned = {} if options.core else network.info.training
    precision = options.precision or planned_precision(planned)
    wanted = ExportOptions(None if options.dynamic else asked_for, precision, options.probabilities, core=options.core)
    target = options.output or default_target(options.weights, source, ".core.onnx" if options.core else ".onnx")
    with messages.status("building the graph") as status:
        written = export(network, target, wanted, data, options.allow_loss, lambda message: status.update(message))
    report(written, wanted)
    for line in about_plan(planned, options.precision, written.bytes):
        messages.print(line)
    return 0


def planned_precision(training: dict[str, Any]) -> str:
    """That of the file whose size and time were planned for; fp32 without a plan. Args: training: of the weights' metadata."""
    return "fp16" if _planned(training, "expected", "export_precision") == "fp16" else "fp32"


def _planned(training: dict[str, Any], *keys: str) -> Any:
    """None where there is no plan, or none of this form: weights may come from anybody."""
    found: Any = training.get("plan")
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def about_plan(training: dict[str, Any], asked_for: str | None, n_bytes: int) -> list[str]:
    """What a user who gave --max-size should know."""
    most = _planned(training, "limits", "max_size")
    if not isinstance(most, int):
        return []
    lines = []
    if asked_for is None and planned_precision(training) == "fp16":
        lines.append(f"in half precision, as planned for --max-size {in_bytes(most)}; --precision fp32 overrules that")
    if n_bytes > most:
        lines.append(f"warning: {in_bytes(n_bytes)}, more than the --max-size {in_bytes(most)} that it was planned for")
    return lines


def default_target(name: str, source: Path, suffix: str) -> Path:
    """Beside the weights, but not into the installed package."""
    return source.with_suffix(suffix) if Path(name).exists() else Path(f"{source.stem}{suffix}")


def report(written: "Exported", options: "ExportOptions") -> None:
    """What was written, how it compares, what phones would do with it."""
    from imexseg.export.devices import device_lines

    size = options.size
    pixels = f"images of {size[1]} x {size[0]} px" if size else "images of any size"
    kind = f"core, {options.precision}" if options.core else options.precision
    print(f"{in_words(written.path)}: {kind}, {pixels}, {written.bytes / 1000:.0f} kB")
    for kind, found in written.comparisons.items():
        print(
            f"{found.images} {kind} images: largest logit difference {found.logit_difference:.2g} of their spread, "
            f"{found.agreement:.3%} of the pixels have the same class"
        )
    last = list(written.comparisons.values())[-1]
    ratio = last.torch_ms / last.onnxruntime_ms
    print(
        f"time per image: torch {last.torch_ms:.2f} ms, onnxruntime {last.onnxruntime_ms:.2f} ms ({ratio:.1f} times as fast)"
    )
    for line in device_lines(written.path):
        print(line)
    if written.loss is not None:
        print(written.loss)
