"""One figure that sums up a network: how far it sees, how far its solves reach, how stable its steps are."""

import io
import math
import statistics
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter
from torch import Tensor

from imexseg.layers.implicit import ImplicitSolve
from imexseg.report.inspect.measure import Layer
from imexseg.report.receptive_field import SEEN, distance_within, seen_pixels

INK, BLUE, ORANGE = "#2b333d", "#3b82c4", "#d9822b"
SHOWN = 8  # Green's functions in the row, from the shortest to the longest decay length
FAINTEST = 1e-4  # of a Green's function's largest value, as drawn


def greens_functions(solve: ImplicitSolve, height: int, width: int) -> Tensor:
    """(I + hL)⁻¹δ with δ in the middle: what one pixel tells every other in one step. Shapes: → (C, H, W).

    Properties: ≥ 0 for a diffusion, up to rounding. Each sums to 1 where the solve keeps the mean; with boundary zero to less,
    the share that does not flow over the edge.
    """
    weight = next(solve.parameters())
    delta = torch.zeros(1, len(solve.decay_lengths()), height, width, dtype=weight.dtype, device=weight.device)
    delta[..., height // 2, width // 2] = 1
    with torch.no_grad():
        return solve.solve(delta)[0]


def inspection_figure(
    title: str, layers: list[Layer], receptive_field: np.ndarray, solve: ImplicitSolve | None, solve_layer: int
) -> bytes:
    """Receptive field, decay lengths, stable steps; below them the Green's functions of layer `solve_layer`. Returns: PNG.

    Shapes: receptive_field (H, W), magnitudes. Args: solve: of that layer; None for a network without, which has no such row.
    """
    with mpl.rc_context({"font.size": 9, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": "#9aa4af"}):
        figure = Figure(figsize=(12, 6.4 if solve is not None else 4.3), layout="constrained", facecolor="white")
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.06, hspace=0.04)
        figure.suptitle(title, fontsize=13, color=INK, x=0.012, ha="left", parse_math=False)
        rows: Any = figure.subfigures(2, 1, height_ratios=(1.9, 1)) if solve is not None else [figure]
        panels = rows[0].subplots(1, 3, width_ratios=(1, 1.15, 1.15))
        _field(panels[0], receptive_field)
        _lengths(panels[1], layers)
        _steps(panels[2], layers)
        if solve is not None:
            _greens(rows[1], layers[solve_layer], solve)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=130, metadata={"Software": None})
    return buffer.getvalue()


def _field(axes: Axes, field: np.ndarray) -> None:
    relative = np.maximum(field / max(float(field.max()), np.finfo(np.float32).tiny), SEEN)
    drawn = axes.imshow(relative, norm=LogNorm(SEEN, 1), cmap="magma", interpolation="none")
    axes.set(xticks=[], yticks=[])
    height, width = field.shape
    _heading(axes, "Receptive field of the centre pixel")
    axes.set_xlabel(
        f"{width} × {height} pixels, {100 * seen_pixels(field):.0f} % seen;\n"
        f"90 % of the influence within {distance_within(field):.0f} pixels"
    )
    bar = axes.figure.colorbar(drawn, ax=axes, location="left", pad=0.04, shrink=0.8, aspect=26)
    bar.set_ticks([1, 1e-2, 1e-4, SEEN], labels=["1", "10⁻²", "10⁻⁴", "10⁻⁶"])
    bar.minorticks_off()
    bar.outline.set_visible(False)
    bar.set_label("influence, relative")


def _lengths(axes: Axes, layers: list[Layer]) -> None:
    """One dot a channel."""
    _heading(axes, "Decay lengths of the solves, a dot for each channel")
    _over_layers(axes, len(layers))
    lengths = {
        n: [v * layer.stride for v in layer.decay_lengths] for n, layer in enumerate(layers) if layer.decay_lengths
    }
    if not lengths:
        axes.text(0.5, 0.5, "no implicit solve:\neach step sees its neighbours only", ha="center", va="center",
                  transform=axes.transAxes, color=INK)  # fmt: skip
        axes.set(yticks=[])
        return
    shortest = 0.1  # pixels: below, a solve is the identity
    for n, values in lengths.items():
        spread = (np.arange(len(values)) * 0.618 % 1 - 0.5) * 0.5  # apart without chance
        axes.plot(
            n + spread, np.maximum(values, shortest), "o", color=BLUE, markersize=3, alpha=0.55, markeredgewidth=0
        )
        middle = max(statistics.median(values), shortest)
        axes.plot([n - 0.34, n + 0.34], [middle, middle], color=ORANGE, linewidth=2, solid_capstyle="round",
                  label="median" if n == min(lengths) else None)  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(
        shortest / 1.5, 5 * max(shortest, *(max(values) for values in lengths.values()))
    )  # room for the legend
    axes.set_ylabel("image pixels (0.1: or less)")
    _plain_ticks(axes)
    axes.legend(frameon=False, loc="upper right", labelcolor=INK)


def _steps(axes: Axes, layers: list[Layer]) -> None:
    _heading(axes, "Step size against the largest stable one")
    _over_layers(axes, len(layers))
    axes.set_yscale("log")
    used = [layer.step_size for layer in layers]
    finite = {
        n: h for n, layer in enumerate(layers) if (h := layer.largest_stable_step) is not None and math.isfinite(h)
    }
    axes.bar(list(finite), list(finite.values()), width=0.6, color=BLUE, alpha=0.75, label="largest stable h")
    axes.plot(range(len(layers)), used, "D", color=ORANGE, markersize=5, label="h used")
    low, high = min([*used, *finite.values()]), max([*used, *finite.values()])
    axes.set_ylim(low / 3, high * 4)
    for n, layer in enumerate(layers):
        if layer.largest_stable_step is None:
            axes.text(n, low / 2.7, "none: f expands", rotation=90, ha="center", va="bottom", fontsize=8, color=INK)
        elif math.isinf(layer.largest_stable_step):
            axes.text(n, low / 2.7, "any", ha="center", va="bottom", fontsize=8, color=INK)
    axes.set_ylabel("h, in model time")
    _plain_ticks(axes)
    axes.legend(frameon=False, loc="upper right", ncols=2, labelcolor=INK)


def _greens(row, layer: Layer, solve: ImplicitSolve) -> None:
    """The channels at equal ranks between the shortest and the longest decay length."""
    lengths = solve.decay_lengths().detach()
    ranks = lengths.argsort()
    shown = ranks[torch.linspace(0, len(ranks) - 1, min(SHOWN, len(ranks))).round().long()]
    functions = greens_functions(solve, *layer.grid)
    row.suptitle(
        f"Green's functions of {layer.name}, {layer.grid[1]} × {layer.grid[0]} grid points of {layer.stride} image pixels: "
        "where one pixel goes in one solve",
        fontsize=10.5, color=INK, x=0.012, ha="left", parse_math=False,
    )  # fmt: skip
    panels = np.atleast_1d(row.subplots(1, len(shown)))
    for axes, channel in zip(panels, shown.tolist(), strict=True):
        green = functions[channel].abs().numpy()
        relative = np.maximum(green / green.max(), FAINTEST)
        drawn = axes.imshow(relative, norm=LogNorm(FAINTEST, 1), cmap="magma", interpolation="none")
        axes.set(xticks=[], yticks=[])
        pixels = float(lengths[channel]) * layer.stride
        axes.set_title(f"channel {channel}", fontsize=8.5, color=INK, pad=3)
        axes.set_xlabel(f"decay {pixels:.1f} px", labelpad=3)
    bar = row.colorbar(drawn, ax=panels.tolist(), location="right", pad=0.01, aspect=14, shrink=0.9)
    bar.set_ticks([1, 1e-2, FAINTEST], labels=["1", "10⁻²", "10⁻⁴"])
    bar.minorticks_off()
    bar.outline.set_visible(False)


def _over_layers(axes: Axes, n_layers: int) -> None:
    axes.set_xlim(-0.6, n_layers - 0.4)
    every = max(1, math.ceil(n_layers / 16))
    axes.set_xticks(range(0, n_layers, every))
    axes.set_xlabel("layer")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3, linewidth=0.6)
    axes.set_axisbelow(True)


def _plain_ticks(axes: Axes) -> None:
    """1, 10 and, where that is too few, 2 and 5 between them; no powers of ten."""
    low, high = axes.get_ylim()
    steps = (1,) if high / low > 300 else (1, 2, 5) if high / low < 30 else (1, 3)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    axes.yaxis.set_major_locator(FixedLocator([step * 10.0**power for power in decades for step in steps]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_ylim(low, high)


def _heading(axes: Axes, text: str) -> None:
    axes.set_title(text, fontsize=10.5, color=INK, loc="left")
    axes.tick_params(colors=INK)
