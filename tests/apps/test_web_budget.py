"""What a first visit loads before it shows a result, so that it does not grow unnoticed. In bytes, as they lie in the folder."""

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

OWN = 97_000  # markup, style, icon and program; 92 737 in November 2026
RUNTIME = 14_400_000  # 14 314 404


def loaded_first(browser: Browser, address: str, built_page: Path) -> dict[str, int]:
    """File ↦ its size."""
    asked: list[str] = []
    with browser.new_context(service_workers="block") as context:  # which loads everything, when the page stands
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.goto(address)
        expect(page.locator("#timing")).to_have_text(re.compile(r"\d ms"), timeout=30_000)
    names = {url.removeprefix(address).split("?")[0] or "index.html" for url in asked if url.startswith(address)}
    return {name: (built_page / name).stat().st_size for name in names}


def test_the_first_visit_stays_within_its_budget(browser: Browser, address: str, built_page: Path):
    sizes = loaded_first(browser, address, built_page)
    runtime = sum(size for name, size in sizes.items() if name.startswith("ort/"))
    own = sum(size for name, size in sizes.items() if not name.startswith(("ort/", "models/")))
    assert {"index.html", "main.js", "worker.js", "style.css", "ort/ort-wasm-simd-threaded.wasm"} <= sizes.keys()
    assert own <= OWN, sizes
    assert runtime <= RUNTIME, sizes
    assert [name for name in sizes if name.startswith("models/")] == ["models/qtips.onnx"]
