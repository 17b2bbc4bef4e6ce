"""The page on a phone, and without a connection."""

from pathlib import Path

from page_tools import downloaded_mask, kept_mask, opened, served
from playwright.sync_api import Browser, expect

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}


def test_a_bar_can_be_drawn_with_a_finger(browser: Browser, address: str, tmp_path: Path):
    with opened(browser, address, **PHONE) as page:
        page.click("#clear")
        expect(page.locator("#legend tbody tr").first).to_contain_text("100.0 %")
        box = page.locator("#image").bounding_box()
        assert box
        finger = page.context.new_cdp_session(page)
        for kind, y in (("touchStart", 0.1), ("touchMove", 0.5), ("touchMove", 0.9), ("touchEnd", None)):
            points = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + y * box["height"]}] if y else []
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        expect(page.locator("#status")).to_contain_text("middle")
        assert page.evaluate("() => scrollY") == 0  # the page did not move instead
        rows, columns = kept_mask(page, tmp_path).nonzero()
        assert rows.max() - rows.min() > 40
        assert columns.max() - columns.min() < 10


def test_a_phone_never_scrolls_sideways(browser: Browser, address: str, models: Path, tmp_path: Path):
    with opened(browser, address, **PHONE) as page:
        width = "() => document.documentElement.scrollWidth"
        assert page.evaluate(width) == 390
        page.click("#camera")
        expect(page.locator("#what")).to_contain_text("camera")
        assert page.evaluate(width) == 390
        (tmp_path / f"{'long' * 30}.onnx").write_text("no network")
        page.set_input_files("#model-file", tmp_path / f"{'long' * 30}.onnx")
        expect(page.get_by_role("alert")).to_be_visible()
        assert page.evaluate(width) == 390
        small = page.locator("button:visible, select").evaluate_all(
            "all => all.filter(e => e.getBoundingClientRect().height < 44).map(e => e.id)"
        )
        assert small == []  # 44 px: what a finger hits


def test_after_the_first_visit_the_page_works_without_a_server(browser: Browser, built_page: Path, tmp_path: Path):
    with browser.new_context() as context:
        page = context.new_page()
        with served(built_page) as url:
            page.goto(url)
            expect(page.locator("#offline")).to_have_text("Ready to be used offline.", timeout=30_000)
        page.reload()  # the server is gone
        expect(page.locator("#what")).to_have_text("drawing · 64 × 64 px", timeout=30_000)
        page.select_option("#model", "1")
        expect(page.locator("#what")).to_have_text("drawing · 128 × 128 px", timeout=30_000)
        assert downloaded_mask(page, tmp_path).shape == (128, 128)
