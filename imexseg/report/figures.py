"""The figures of the report, as SVG, drawn through the object interface: no window, no global state.

Text stays text: the page's reader sees it in a font of their own system, in a colour that follows light or dark.
"""

import io
import warnings
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from imexseg.evaluation.scores import Scores
from imexseg.report.receptive_field import SEEN, distance_within, seen_pixels

INK = "#3d4754"  # stands for the colour of text; _svg replaces it by one that follows the page
INK_ON_DARK = "#c5ced8"
BLUE, ORANGE = "#3b82c4", "#d9822b"
LONGEST_FIELD = 384  # pixels of a receptive field as drawn
LONGEST_NAME = 22  # characters of a class name on an axis


def training_curves(history: list[dict[str, Any]], loss: str, stacked: bool = False) -> bytes:
    """Losses and mean IoU over the epochs, side by side, or stacked for a narrow screen. Returns: SVG."""
    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(4.0, 5.0) if stacked else (8.5, 2.9), layout="constrained")
    losses, scores = figure.subplots(2, 1) if stacked else figure.subplots(1, 2)
    marker = "o" if len(epochs) < 3 else None
    for key, colour, label in (("train_loss", BLUE, "training"), ("val_loss", ORANGE, "validation")):
        losses.plot(epochs, [row[key] for row in history], color=colour, label=label, marker=marker)
    losses.set(title=f"Loss: {loss}", xlabel="epoch", yscale="log")
    losses.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    losses.yaxis.set_minor_locator(NullLocator())
    losses.yaxis.set_major_formatter(StrMethodFormatter("{x:.3g}"))
    losses.legend(frameon=False, labelcolor=INK, loc="upper right")
    mious = np.array([row["val_miou"] for row in history], dtype=float)
    scores.plot(epochs, mious, color=ORANGE, marker=marker)
    best = int(np.nan_to_num(mious, nan=-1).argmax())
    scores.plot(epochs[best], mious[best], "o", color=ORANGE)
    scores.set(title=f"Mean IoU on validation, best {mious[best]:.3f}", xlabel="epoch", ylim=(0, 1.02))
    for axes in (losses, scores):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.6)
        _ink(axes)
    return _svg(figure)


def confusion_matrix(scores: Scores) -> bytes:
    """Rows: truth, columns: prediction, in per cent of each row; a blank cell is below half a per cent.

    The figure grows with the number of classes, so that the numbers stay readable. A class that the truth lacks has an
    empty row. Returns: SVG.
    """
    n = len(scores.names)
    pixels = scores.confusion.sum(1, keepdims=True)
    shares = scores.confusion / np.maximum(pixels, 1)
    cell = 0.55 if n <= 8 else 0.34  # inches
    names = [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in scores.names]
    margin = 0.5 + 0.075 * max(len(name) for name in names)
    figure = Figure(figsize=(cell * n + margin, cell * n + margin), layout="constrained")
    axes = figure.subplots()
    # The share is the opacity: pale on a light page, dim on a dark one, and text stands out on both.
    cells = np.empty((n, n, 4))
    cells[..., :3], cells[..., 3] = to_rgb(BLUE), 0.8 * shares
    axes.imshow(cells, interpolation="none")
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.005:
            text = f"{100 * share:.1f}" if n <= 8 and share < 0.9995 else f"{100 * share:.0f}"
            axes.text(column, row, text, ha="center", va="center", color=INK, fontsize=9 if n <= 8 else 7.5)
    # Names are data: a dollar sign in one must not start a formula.
    axes.xaxis.tick_top()  # where a table has its header: the foot of a large matrix is off the screen
    axes.xaxis.set_label_position("top")
    axes.set_xticks(range(n), names, rotation=50, ha="left", rotation_mode="anchor", fontsize=9, parse_math=False)
    axes.set_yticks(range(n), names, fontsize=9, parse_math=False)
    axes.set_xticks(np.arange(n - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(n - 1) + 0.5, minor=True)
    axes.grid(which="minor", color=INK, alpha=0.12, linewidth=0.6)
    axes.tick_params(which="both", length=0)
    axes.set_xlabel("prediction", loc="left")
    axes.set_ylabel("truth", loc="top")
    _ink(axes)
    return _svg(figure)


def receptive_field_pair(with_solve: np.ndarray, without_solve: np.ndarray, stacked: bool = False) -> bytes:
    """Two fields on one logarithmic scale, each relative to its largest value: what is unseen is black.

    Relative, because switching the solve off changes the size of all activations, which says nothing of their reach.
    Returns: SVG.
    """
    aspect = float(np.clip(with_solve.shape[0] / with_solve.shape[1], 0.3, 1.6))
    size = (4.0, 7.0 * aspect + 2.0) if stacked else (8.5, 3.65 * aspect + 0.65)  # the panels fill the width
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(2, 1, gridspec_kw={"hspace": 0.05}) if stacked else figure.subplots(1, 2)
    norm = LogNorm(vmin=SEEN, vmax=1)
    for axes, field, title in zip(panels, (with_solve, without_solve), ("With", "Without"), strict=True):
        relative = _shrunk(field / max(float(field.max()), np.finfo(np.float32).tiny))
        # Zeros have no logarithm: they are drawn as the darkest colour.
        drawn = axes.imshow(np.maximum(relative, SEEN), norm=norm, cmap="magma", interpolation="none")
        axes.set_title(f"{title} the solve: {_per_cent(seen_pixels(field))} of the image seen")
        axes.set_xlabel(f"90 % of the influence within {distance_within(field):.0f} pixels")
        axes.set_xticks([])
        axes.set_yticks([])
        _ink(axes)
    where: dict[str, Any] = {"location": "bottom", "aspect": 36} if stacked else {"aspect": 26 * aspect, "shrink": 0.95}
    bar = figure.colorbar(drawn, ax=panels, pad=0.03, **where)
    for colours in bar.ax.collections:
        colours.set_rasterized(True)  # 256 paths otherwise
    bar.set_ticks([1, 1e-2, 1e-4, SEEN], labels=["1", "10⁻²", "10⁻⁴", "10⁻⁶"])
    bar.minorticks_off()
    bar.set_label("influence on the centre", fontsize=9, labelpad=8)
    _ink(bar.ax)
    return _svg(figure)


def _per_cent(share: float) -> str:
    """Whole per cents, in which neither 100 nor 0 is reached by rounding."""
    if 0.99 < share < 1 or 0 < share < 0.01:
        return "over 99 %" if share > 0.5 else "under 1 %"
    return f"{100 * share:.0f} %"


def _shrunk(field: np.ndarray) -> np.ndarray:
    factor = LONGEST_FIELD / max(field.shape)
    if factor >= 1:
        return field
    width, height = (max(1, round(factor * side)) for side in field.shape[::-1])
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_AREA)


def _ink(axes: Axes) -> None:
    axes.tick_params(colors=INK)
    axes.title.set(color=INK, fontsize=11)
    axes.xaxis.label.set(color=INK, fontsize=9)
    axes.yaxis.label.set(color=INK, fontsize=9)
    for spine in axes.spines.values():
        spine.set(color=INK, alpha=0.4)


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    settings: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "imexseg", "font.sans-serif": ["DejaVu Sans"]}
    with mpl.rc_context(settings), warnings.catch_warnings():
        # Matplotlib's own font only measures: letters that it lacks are there in the reader's.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        without_date = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, dpi=130, metadata=without_date)
    style = (
        "text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif!important}"
        f":root{{color:{INK}}}@media (prefers-color-scheme:dark){{:root{{color:{INK_ON_DARK}}}}}</style>"
    )
    return buffer.getvalue().decode().replace(INK, "currentColor").replace("</style>", style, 1).encode()
