"""The figures of the report, as SVG or PNG. Drawn through the object interface: no window, no global state."""

import io
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from imexseg.evaluation.scores import Scores
from imexseg.report.receptive_field import distance_within

INK = "#5f6b7a"  # between black and white: legible on a light and on a dark page
BLUE, ORANGE = "#3b82c4", "#d9822b"


def training_curves(history: list[dict[str, Any]]) -> bytes:
    """Losses and mean IoU over the epochs. Returns: SVG."""
    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(8.5, 2.8), layout="constrained")
    losses, scores = figure.subplots(1, 2)
    marker = "o" if len(epochs) < 3 else None
    losses.plot(epochs, [row["train_loss"] for row in history], color=BLUE, label="training", marker=marker)
    losses.plot(epochs, [row["val_loss"] for row in history], color=ORANGE, label="validation", marker=marker)
    losses.set(title="cross-entropy", xlabel="epoch", yscale="log")
    losses.legend(frameon=False, labelcolor=INK)
    scores.plot(epochs, [row["val_miou"] for row in history], color=ORANGE, marker=marker)
    scores.set(title="mean IoU on the validation images", xlabel="epoch", ylim=(0, 1.02))
    for axes in (losses, scores):
        _quiet(axes)
    return _bytes(figure, "svg")


def confusion_picture(scores: Scores) -> bytes:
    """Rows: truth, columns: prediction, as shares of each row; the shares are written in while they can be read. SVG."""
    n = len(scores.names)
    shares = scores.confusion / np.maximum(scores.confusion.sum(1, keepdims=True), 1)
    side = min(9.0, 2.6 + 0.55 * n)
    figure = Figure(figsize=(side, side * 0.92), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(n), scores.names, rotation=40, ha="right", fontsize=max(5, 10 - n // 6))
    axes.set_yticks(range(n), scores.names, fontsize=max(5, 10 - n // 6))
    axes.set(xlabel="prediction", ylabel="truth")
    if n <= 16:
        for (row, column), share in np.ndenumerate(shares):
            colour = "white" if share > 0.55 else "#222222"
            axes.text(
                column, row, f"{100 * share:.1f}", ha="center", va="center", color=colour, fontsize=9 if n < 9 else 7
            )
    _recolour(axes)
    return _bytes(figure, "svg")


def receptive_field_pair(with_solve: np.ndarray, without_solve: np.ndarray) -> bytes:
    """Both fields on one logarithmic scale, four decades below the larger maximum. Returns: PNG."""
    figure = Figure(figsize=(8.5, 4.0), layout="constrained")
    panels = figure.subplots(1, 2)
    brightest = max(with_solve.max(), without_solve.max(), 1e-30)
    norm = LogNorm(vmin=brightest * 1e-4, vmax=brightest)
    for axes, field, title in zip(panels, (with_solve, without_solve), ("with the solve", "without"), strict=True):
        # Zeros have no logarithm: they are shown as the darkest colour.
        drawn = axes.imshow(np.maximum(field, brightest * 1e-4), norm=norm, cmap="magma")
        axes.set_title(f"{title}: 90 % within {distance_within(field):.0f} px")
        axes.set_xticks([])
        axes.set_yticks([])
        _recolour(axes)
    bar = figure.colorbar(drawn, ax=panels, shrink=0.85)
    bar.set_label("|∂ centre / ∂ pixel|", color=INK)
    bar.ax.tick_params(colors=INK)
    return _bytes(figure, "png")


def _quiet(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(alpha=0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _recolour(axes)


def _recolour(axes: Axes) -> None:
    axes.title.set_color(INK)
    axes.title.set_fontsize(11)
    axes.tick_params(colors=INK)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(INK)
    for spine in axes.spines.values():
        spine.set_color(INK)


def _bytes(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, transparent=True, dpi=130)
    return buffer.getvalue()
