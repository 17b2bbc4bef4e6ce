"""A link that names a network: of the page's own origin, and kept for offline use."""

import json
import re
import shutil
from pathlib import Path

import pytest
from page_tools import WEB, node, opened, served
from playwright.sync_api import Browser, Page, expect


def says(href: str) -> str:
    """Where the network of a link is, or why it is not opened."""
    script = f"""
        import {{ modelIn }} from "{(WEB / "src/link.js").as_uri()}";
        import {{ PageError }} from "{(WEB / "src/errors.js").as_uri()}";
        try {{
            console.log(modelIn(new URL({json.dumps(href)}))?.href ?? "none");
        }} catch (error) {{
            console.log(error instanceof PageError ? error.message : `${{error}}`);
        }}"""
    return node("--input-type=module", "-e", script).strip()


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("", "none"),
        ("?threads=1", "none"),
        ("?model=models/a.onnx", "https://a.org/page/models/a.onnx"),
        ("?model=/b.onnx", "https://a.org/b.onnx"),
        ("?model=https://a.org/b.onnx", "https://a.org/b.onnx"),
    ],
)
def test_networks_of_the_same_origin_are_found(named: str, expected: str):
    assert says(f"https://a.org/page/{named}") == expected


@pytest.mark.parametrize(
    "named",
    [
        *(
            "https://b.org/b.onnx",
            "//b.org/b.onnx",
            "http://a.org/b.onnx",
            "https://a.org:81/b.onnx",
            "https://a.org.b.org/x",
        ),
        *(
            "data:application/octet-stream,x",
            "blob:https://a.org/1",
            "javascript:alert(1)",
            "file:///b.onnx",
            "https://x@a.org/b",
        ),
        *("https://", "https://a.org@b.org/x"),
    ],
)
def test_others_are_refused_in_words(named: str):
    assert says(f"https://a.org/page/?model={named}").startswith("This link names a network at ")


def test_the_link_opens_the_network_and_the_page_offers_it(browser: Browser, address: str):
    with opened(browser, f"{address}?model=models/qtips-pile.onnx") as page:
        expect(page.locator("#model-facts")).to_contain_text("128 × 128 px")
        expect(page.locator("#model")).to_have_value("1")
        assert page.url == f"{address}?model=models/qtips-pile.onnx"
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.click("#share")
        expect(page.locator("#shared")).to_have_text("Link copied.")
        assert page.evaluate("() => navigator.clipboard.readText()") == page.url
        page.select_option("#model", "0")
        expect(page.locator("#model-facts")).to_contain_text("64 × 64 px")
        assert page.url == address


def test_a_network_of_ones_own_has_no_link(page: Page, models: Path):
    page.set_input_files("#model-file", models / "dynamic.onnx")
    expect(page.locator("#model")).to_have_value("own")
    expect(page.locator("#share")).to_be_hidden()
    page.select_option("#model", "0")
    expect(page.locator("#share")).to_be_visible()


@pytest.mark.parametrize(
    ("named", "explanation"),
    [
        ("https://example.org/a.onnx", "at example.org. This page opens networks from localhost"),
        ("models/none.onnx", "none.onnx, which this link names, could not be loaded (404)"),
        ("index.html", "index.html is not an ONNX file"),
    ],
)
def test_what_cannot_be_opened_is_explained_and_the_page_can_be_used(
    browser: Browser, address: str, named: str, explanation: str
):
    with browser.new_context() as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}?model={named}")
        expect(page.get_by_role("alert")).to_contain_text(explanation, timeout=30_000)
        expect(page.locator("#what")).to_have_text("drawing · 64 × 64 px")
        assert page.url == address
        assert all(url.startswith((address, "blob:", "data:")) for url in asked)


def test_a_linked_network_works_offline_from_the_second_visit_on(
    browser: Browser, built_page: Path, models: Path, tmp_path: Path
):
    site = tmp_path / "site"
    shutil.copytree(built_page, site / "page")
    shutil.copy(models / "colour.onnx", site / "shared.onnx")
    with browser.new_context() as context:
        page = context.new_page()
        with served(site) as url:
            page.goto(f"{url}page/?model=/shared.onnx")
            expect(page.locator("#offline")).to_have_text("Ready to be used offline.", timeout=30_000)
            expect(page.locator("#model-facts")).to_contain_text("80 × 48 px")
        page.reload()  # the server is gone
        expect(page.locator("#model-facts")).to_contain_text("80 × 48 px", timeout=30_000)
        expect(page.locator("#model")).to_have_value("own")
        page.goto(re.sub("shared", "other", page.url))
        expect(page.get_by_role("alert")).to_contain_text("other.onnx could not be loaded", timeout=30_000)
