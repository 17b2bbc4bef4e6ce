"""Writes a core file as arrays of C++ for engine.hpp: python -m apps.micro.generate FILE.core.onnx FOLDER

Makes FOLDER/network.hpp, and prints what it takes: flash for the weights, memory for the arena. With --plan-only it prints
that and writes nothing. Needs onnx and numpy.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import shape_inference

from apps.micro.graph import Graph, NotRunnable, Value
from apps.micro.plan import Plan, planned

_LINE = 120  # characters


def read(path: Path) -> tuple[Graph, dict[str, Any]]:
    """The graph of a core file, and its sidecar. Raises: NotRunnable saying why and what to do."""
    beside = Path(f"{path}.json")
    for needed in (path, beside):
        if not needed.is_file():
            raise NotRunnable(f"{needed}: no such file; imexseg export --core writes FILE.onnx and FILE.onnx.json")
    try:
        info = json.loads(beside.read_text(encoding="utf-8"))
        core = info["core"]
        needs_size = info["size"] is None or core["input_size"] is None
    except (ValueError, KeyError, TypeError) as error:
        raise NotRunnable(f"{beside}: is not the sidecar of a core file ({error!r}); export it again") from None
    if info.get("sha256") != hashlib.sha256(path.read_bytes()).hexdigest():
        raise NotRunnable(f"{beside}: belongs to another file than {path.name}; export it again")
    if needs_size:
        raise NotRunnable(f"{path}: takes images of any size; export it with --size H W")
    if info["full_scale"] != 255 or info["in_channels"] not in (1, 3):
        kind = f"{info['in_channels']} channels up to {info['full_scale']:g}"
        raise NotRunnable(f"{path}: takes images of {kind}; main.cpp reads 1 or 3 channels of 8 bits")
    if info["long_side"] not in (None, max(info["size"])):
        raise NotRunnable(f"{path}: scales its images to a long side of {info['long_side']} px; main.cpp does not")
    try:
        model = shape_inference.infer_shapes(onnx.load(path), strict_mode=True)
    except Exception as error:  # of onnx and of protobuf, without a common base class
        raise NotRunnable(f"{path}: is not a readable ONNX file ({' '.join(str(error).split())[:200]})") from None
    return Graph(model.graph, str(path)), info


def literal(values: np.ndarray) -> str:
    """Numbers of float32, exactly, separated by commas, in lines of bearable length."""
    lines, line = [], ""
    for value in values.ravel():
        number = np.format_float_scientific(value, unique=True, trim="-") + "f"
        if len(line) + len(number) + 2 > _LINE:
            lines.append(line)
            line = ""
        line += ("" if not line else " ") + number + ","
    return "\n".join([*lines, line])


def text_literal(text: str) -> str:
    """A name as a string of C++. Names come from strangers: what is not plain ASCII becomes an underscore."""
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\?' else "_" for sign in text)
    return f'"{plain}"'


def braces(numbers: Iterable[int]) -> str:
    return f"{{{', '.join(map(str, numbers))}}}"


def place_literal(value: Value) -> str:
    return f"    {{{value.offset}, {str(value.constant is not None).lower()}, {braces(value.shape)}}},"


def written(path: Path, graph: Graph, info: dict[str, Any], plan: Plan) -> str:
    """network.hpp."""
    number = {name: place for place, name in enumerate(graph.values)}
    weights = [value.constant for value in graph.values.values() if value.constant is not None]
    steps = []
    for step in graph.steps:
        given = [number[name] for name in step.inputs] + [-1] * (3 - len(step.inputs))
        detail = ", ".join(map(braces, (step.stride, step.dilation, step.pad, step.start)))
        steps.append(f"    {{Op::{step.op}, {braces(given)}, {number[step.output]}, {step.groups}, {detail}}},")
    height, width = info["size"]
    tall, wide = info["core"]["input_size"]
    mean, std = (np.asarray(info["core"][key], np.float32) for key in ("mean", "std"))
    lines = [
        f"// {text_literal(path.name)[1:-1]} as arrays, written by generate.py. SHA-256 of the file:",
        f"// {info['sha256']}",
        "#pragma once",
        '#include "engine.hpp"',
        "",
        f"constexpr int kChannels = {info['in_channels']}, kClasses = {len(info['names'])};",
        f"constexpr int kHeight = {height}, kWidth = {width};",
        f"constexpr int kInputHeight = {tall}, kInputWidth = {wide};",
        f"constexpr int kArenaFloats = {plan.size};",
        f"const float kMean[] = {{{literal(mean)}}};",
        f"const float kStd[] = {{{literal(std)}}};",
        f"const char* const kNames[] = {{{', '.join(map(text_literal, info['names']))}}};",
        "",
        "const float kWeights[] = {",
        *(literal(values) for values in weights),
        "};",
        "",
        "const Place kPlaces[] = {",
        *map(place_literal, graph.values.values()),
        "};",
        "",
        "const Step kSteps[] = {",
        *steps,
        "};",
        "",
        f"const Network kNetwork = {{kWeights, kPlaces, kSteps, {len(steps)}, {number[graph.input]}, {number[graph.output]}, "
        f"{plan.scratch}}};",
    ]
    return "\n".join(lines) + "\n"


def taken(graph: Graph, plan: Plan) -> str:
    """In words: steps, flash for the weights, memory for everything else."""
    weights, memory = 4 * graph.n_weights / 1000, 4 * plan.size / 1000
    return f"{len(graph.steps)} steps, {weights:.1f} kB of weights, {memory:.1f} kB of memory"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("core", type=Path, metavar="FILE.core.onnx", help="that imexseg export --core --size H W wrote")
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="where network.hpp goes")
    parser.add_argument("--plan-only", action="store_true", help="print the flash and the memory, write nothing")
    options = parser.parse_args()
    if options.plan_only == (options.folder is not None):
        parser.error("expected either a FOLDER to write to or --plan-only")
    try:
        graph, info = read(options.core)
        plan = planned(graph)
        content = written(options.core, graph, info, plan)
    except NotRunnable as error:
        sys.exit(f"generate.py: {error}")
    if options.plan_only:
        print(f"{options.core}: {taken(graph, plan)}")
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    target = options.folder / "network.hpp"
    part = target.with_suffix(".part")
    part.write_text(content)
    part.replace(target)
    print(f"{target}: {taken(graph, plan)}")


if __name__ == "__main__":
    main()
