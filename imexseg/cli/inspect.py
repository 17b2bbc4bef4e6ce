"""imexseg inspect: interpret trained weights as a PDE: kernels as derivatives, decay lengths, stable steps, Green's functions."""

import argparse
import json
import math
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from imexseg.cli.console import in_words, messages, progress_bar
from imexseg.errors import UsageError

if TYPE_CHECKING:
    from imexseg.report.inspect.measure import Kernels, Layer

LARGEST_SAMPLE = 256  # pixels a side: of a larger image the centre is taken


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "weights", metavar="WEIGHTS", help="a .safetensors file, a run folder, or the name of shipped weights"
    )
    parser.add_argument(
        "--image",
        type=Path,
        metavar="FILE",
        help="the image on which to measure stability and the receptive field; of a large one, the centre is used (default: a "
        "generated Q-tips image for weights with its classes, otherwise noise of the training data's mean and spread)",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE.png", help="also draw Green's functions and receptive field"
    )
    parser.add_argument(
        "--layer",
        type=int,
        metavar="N",
        help="the layer whose Green's functions are drawn (default: the first with a solve)",
    )
    parser.add_argument(
        "--channels", action="store_true", help="describe every kernel as an operator, not only what dominates"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object; a step size without a limit is null"
    )


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for weights or an image that cannot be read, a network without layers, a layer that is not there."""
    from imexseg.files import write_atomically
    from imexseg.models.artefact import load
    from imexseg.models.weights import find_weights
    from imexseg.report.inspect.figure import inspection_figure
    from imexseg.report.inspect.measure import inspect_network
    from imexseg.report.receptive_field import effective_receptive_field

    if options.output is not None and options.output.suffix.lower() != ".png":
        raise UsageError(f"{options.output}: the figure is a PNG; give a name that ends in .png")
    path = find_weights(options.weights)
    network = load(path)
    image, sample = _sample(network.info, options.image)
    with progress_bar("layers") as progress:
        layers = inspect_network(network, image, progress)
    if not layers:
        raise UsageError(f"{path}: {network.info.model} has no time steps; give weights of a network of this project")
    chosen = _layer_to_draw(layers, options.layer)
    if options.output is not None:
        solve = dict(network.named_modules()).get(f"{layers[chosen].name}.solve")
        field = effective_receptive_field(network, image)
        title = f"{network.info.model} · {path.name}"
        write_atomically(options.output, inspection_figure(title, layers, field, solve, chosen))
        messages.print(f"figure: {in_words(options.output)}")
    if options.json:
        print(json.dumps(_as_dict(path, network.info.model, sample, layers, options.channels), ensure_ascii=False))
        return 0
    print(f"{network.info.model}, {len(layers)} layers; measured at {sample}")
    for number, layer in enumerate(layers):
        print("\n" + "\n".join(_lines(number, layer, options.channels)))
    return 0


def _sample(info, file: Path | None):
    """A tensor (1, C, H, W) of raw pixel values, and what it is in words."""
    import torch

    from imexseg.data.read.as_trained import as_trained
    from imexseg.data.read.images import read_image
    from imexseg.data.read.tensors import image_to_tensor
    from imexseg.data_gen import CLASS_NAMES, PRESETS, QTips

    channels = info.network.in_channels
    if file is not None:
        image = image_to_tensor(as_trained(read_image(file), info, file)[0])[None]
        height, width = image.shape[-2:]
        top, left = (max(0, (side - LARGEST_SAMPLE) // 2) for side in (height, width))
        part = image[..., top : top + LARGEST_SAMPLE, left : left + LARGEST_SAMPLE]
        return part, f"{file}" + (", its centre" if part.shape != image.shape else "")
    if channels == 1 and tuple(info.names) == CLASS_NAMES:
        recipe = info.data.get("generator") or {}
        names = (recipe.get("preset"), info.data.get("name"), "authors")
        preset = next(name for name in names if name in PRESETS)
        pixels, _ = QTips(preset, split="test")[0]
        return image_to_tensor(as_trained(pixels[..., None], info)[0])[None], f"Q-tips image 0 of {preset} (test)"
    noise = torch.randn(1, channels, 64, 64, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (info.network.mean, info.network.std))
    words = "noise of the training data's mean and spread; give an --image for real states"
    return (mean + std * noise).clamp(0, info.full_scale), words


def _layer_to_draw(layers: "list[Layer]", asked: int | None) -> int:
    with_solve = [number for number, layer in enumerate(layers) if layer.decay_lengths]
    if asked is None:
        return with_solve[0] if with_solve else 0
    if not 0 <= asked < len(layers):
        raise UsageError(f"--layer {asked}: there is no such layer; give 0 to {len(layers) - 1}")
    if not layers[asked].decay_lengths:
        where = f"try {with_solve[0]}" if with_solve else "no layer of this network has one"
        raise UsageError(f"--layer {asked}: has no implicit solve and therefore no Green's functions; {where}")
    return asked


def _lines(number: int, layer: "Layer", channels: bool) -> list[str]:
    height, width = layer.grid
    lines = [
        f"{number}  {layer.name}  {layer.dynamics}: {layer.equation}",
        f"   grid              {width} x {height} points of {layer.stride} image pixels",
    ]
    for kernels in layer.kernels:
        lines.append(f"   {kernels.name:17} {_in_words(kernels)}")
        if channels:
            lines += [f"   {index:>14}    {text}" for index, text in enumerate(kernels.texts)]
    if layer.decay_lengths:
        cells = _three(layer.decay_lengths)
        points = " / ".join(f"{value:.2f}" for value in cells)
        pixels = " / ".join(f"{value * layer.stride:.2f}" for value in cells)
        lines.append(f"   decay length      {points} grid points = {pixels} image pixels (min / median / max)")
    return [*lines, f"   largest stable h  {_stability(layer)}"]


def _in_words(kernels: "Kernels") -> str:
    if kernels.norm is not None:
        return f"couples channels, norm {kernels.norm:.2f}"
    parts = ", ".join(f"{name} in {count}" for name, count in kernels.dominant.items())
    return f"{kernels.count} kernels; largest coefficient: {parts}"


def _stability(layer: "Layer") -> str:
    h, limit = layer.step_size, layer.largest_stable_step
    if limit is None and layer.expansion_rate is not None and layer.expansion_rate > 0:
        return (
            f"none: f itself pulls states apart, by up to {layer.expansion_rate:.2g} per unit of time; "
            f"a step of {h:g} multiplies differences by up to {layer.amplification:.2f}"
        )
    if limit is None:
        return f"not bounded by this measure; a step of {h:g} multiplies differences by up to {layer.amplification:.2f}"
    if math.isinf(limit):
        return f"any; used {h:g}"
    if h <= limit:
        return f"{limit:.3g}, used {h:g}: stable"
    factor = layer.amplification
    grows = f"; differences grow by up to {factor:.2f} before the normalisation behind it" if factor else ""
    return f"{limit:.3g}, used {h:g}: {h / limit:.1f} times that{grows}"


def _three(values: list[float]) -> tuple[float, float, float]:
    return min(values), statistics.median(values), max(values)


def _as_dict(path: Path, model: str, sample: str, layers: "list[Layer]", channels: bool) -> dict:
    rows = []
    for layer in layers:
        row = asdict(layer)
        limit = layer.largest_stable_step
        row["largest_stable_step"] = limit if limit is not None and math.isfinite(limit) else None
        row["stable"] = limit is not None and layer.step_size <= limit
        for kernels in row["kernels"]:
            texts = kernels.pop("texts")
            if channels:
                kernels["texts"] = texts
        if layer.decay_lengths:
            names = ("min", "median", "max")
            values = [value * layer.stride for value in _three(layer.decay_lengths)]
            row["decay_length_in_image_pixels"] = dict(zip(names, values, strict=True))
        rows.append(row)
    return {"weights": str(path), "model": model, "sample": sample, "layers": rows}
