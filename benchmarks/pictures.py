"""The pictures at the top of the README.

    python -m benchmarks.pictures qtips      # docs/images/qtips.png: Q-tips, and what one pixel sees with and without the solve
    make web-build && python -m benchmarks.pictures page      # docs/images/page.png: the page; needs a Chromium

The receptive fields are those of two shipped networks that differ in the solve alone, averaged over test images.
"""

import argparse
import io
import re
import shutil
import threading
from pathlib import Path

import numpy as np
import torch
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure, SubFigure
from PIL import Image

import imexseg
from imexseg.data_gen import CLASS_NAMES, PALETTE, QTips
from imexseg.files import write_atomically
from imexseg.models.weights import find_weights
from imexseg.report.receptive_field import effective_receptive_field, seen_pixels

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "images"
WITHOUT_AND_WITH = (("qtips-parabolic", "without the solve"), ("qtips", "with the solve"))
INK = "#2b333d"
FAINTEST = 1e-4  # of the largest magnitude, as drawn
N_IMAGES = 16


def one_of_each_class() -> list[tuple[np.ndarray, np.ndarray]]:
    """The first test image of every kind of bar, with its mask."""
    source, found = QTips("authors", split="test"), {}
    for index in range(64):
        image, mask = source[index]
        found.setdefault(int(mask.max()), (image, mask))
    return [found[number] for number in sorted(found)]


def draw_qtips() -> bytes:
    """Left: one Q-tip of each class above its mask. Right: the receptive field of the pixel in the middle."""
    figure = Figure(figsize=(10, 3.6), dpi=110, layout="constrained", facecolor="white")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.35))
    _draw_bars(left)
    _draw_fields(right)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return smaller(buffer.getvalue())


def _draw_bars(figure: SubFigure) -> None:
    panels = figure.subplots(2, 3)
    colours = ListedColormap(np.array(PALETTE) / 255)
    for column, (image, mask) in enumerate(one_of_each_class()):
        above, below = panels[0, column], panels[1, column]
        above.imshow(image, cmap="gray", vmin=0, vmax=255)
        below.imshow(mask, cmap=colours, vmin=0, vmax=len(PALETTE) - 1, interpolation="none")
        below.set_xlabel(CLASS_NAMES[int(mask.max())], color=INK)
        for axes in (above, below):
            axes.set(xticks=[], yticks=[])
    figure.suptitle("Q-tips: both ends decide the class of the bar", fontsize=11, color=INK)


def _draw_fields(figure: SubFigure) -> None:
    panels = figure.subplots(1, 2)
    source = QTips("authors", split="test")
    images = torch.tensor(np.stack([source[index][0] for index in range(N_IMAGES)])).float()[:, None]
    for axes, (weights, words) in zip(panels, WITHOUT_AND_WITH, strict=True):
        field = effective_receptive_field(imexseg.load(find_weights(weights)), images)
        drawn = axes.imshow(
            np.maximum(field / field.max(), FAINTEST), cmap="magma", norm=LogNorm(FAINTEST, 1), interpolation="none"
        )
        axes.set(xticks=[], yticks=[])
        axes.set_xlabel(f"{words}: {seen_pixels(field):.0%} of the image", color=INK)
    bar = figure.colorbar(drawn, ax=panels.tolist(), location="right", shrink=0.7, pad=0.02)
    bar.set_ticks([1, 1e-2, FAINTEST], labels=["1", "10⁻²", "10⁻⁴"])
    bar.minorticks_off()
    figure.suptitle("What the pixel in the middle depends on", fontsize=11, color=INK)


def smaller(png: bytes) -> bytes:
    """The same picture with 256 colours, a third of the bytes."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def photograph_the_page() -> bytes:
    """A screenshot of the built page after its first result. Raises: SystemExit without a Chromium or a built page."""
    from playwright.sync_api import expect, sync_playwright

    from apps.web.serve import BUILT, page_server

    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None or not (BUILT / "index.html").is_file():
        raise SystemExit("a Chromium and the page are needed: install chromium, then `make web-build`")
    server = page_server(BUILT, 0)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 1100, "height": 640})
        page.goto(f"http://localhost:{server.server_port}/")
        expect(page.locator("#timing")).to_have_text(re.compile(r"\d ms"), timeout=30_000)
        picture = page.screenshot()
        chromium.close()
    server.shutdown()
    return smaller(picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["qtips", "page"])
    what = parser.parse_args().what
    TARGET.mkdir(exist_ok=True)
    path = TARGET / f"{what}.png"
    write_atomically(path, draw_qtips() if what == "qtips" else photograph_the_page())
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
