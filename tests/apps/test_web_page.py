"""The page in Chromium, as a person uses it."""

import re
from pathlib import Path

import onnx
import pytest
from box_model import NAMES
from page_tools import downloaded_mask
from PIL import Image
from playwright.sync_api import Page, expect


def drag(page: Page, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """Press, move and let go on the picture; positions as fractions of it."""
    box = page.locator("#image").bounding_box()
    assert box
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (begin, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=5)
    page.mouse.up()


def paste_or_drop(page: Page, event: str, file: Path, kind: str) -> None:
    """Give a file to the page by the clipboard or by dropping it."""
    page.evaluate(
        """([event, bytes, name, type]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], name, { type }));
            dispatchEvent(event === "paste"
                ? new ClipboardEvent("paste", { clipboardData: data })
                : new DragEvent("drop", { dataTransfer: data, cancelable: true }));
        }""",
        [event, list(file.read_bytes()), file.name, kind],
    )


def test_names_colours_and_figures_come_from_the_file(page: Page):
    legend = page.locator("#legend tbody tr")
    assert legend.locator("th").all_inner_texts() == NAMES
    swatches = legend.locator(".swatch").all()
    assert swatches[1].evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(240, 228, 66)"
    for fact in ("64 × 64 px, grey", "Apache-2.0", "mIoU 0.500 (val)"):
        expect(page.locator("#model-facts")).to_contain_text(fact)


def test_a_bar_drawn_with_the_mouse_is_found_where_it_was_drawn(page: Page, tmp_path: Path):
    page.click("#draw")
    page.click("#clear")
    page.check("input[value=white-white]", force=True)
    drag(page, (0.2, 0.5), (0.8, 0.5))
    expect(page.locator("#status")).to_contain_text("middle")
    classes = downloaded_mask(page, tmp_path)
    rows, columns = classes.nonzero()
    assert 28 <= rows.min() <= rows.max() <= 36
    assert 10 <= columns.min() <= 16
    assert 48 <= columns.max() <= 54
    page.click("#clear")
    expect(page.locator("#legend tbody tr").first).to_contain_text("100.0 %")


def test_a_random_bar_needs_no_pointer(page: Page, tmp_path: Path):
    page.click("#draw")
    page.click("#clear")
    page.focus("#random")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("middle")
    assert downloaded_mask(page, tmp_path).any()


@pytest.mark.parametrize("event", ["paste", "drop"])
def test_pictures_can_be_pasted_and_dropped(page: Page, tmp_path: Path, event: str):
    Image.new("RGB", (64, 64), (200, 200, 200)).save(tmp_path / f"{event}.png")
    paste_or_drop(page, event, tmp_path / f"{event}.png", "image/png")
    expect(page.locator("#what")).to_contain_text(f"{event}.png")
    expect(page.locator("#draw-tools")).to_be_hidden()


def test_long_work_shows_how_far_it_is_and_gives_way_to_the_next_picture(page: Page, tmp_path: Path):
    Image.new("L", (6000, 6000), 90).save(tmp_path / "huge.png")
    page.set_input_files("#image-file", tmp_path / "huge.png")
    expect(page.locator("#timing")).to_have_text(re.compile(r"tile [\d,]+ of 15,625"), timeout=30_000)
    page.click("#draw")
    expect(page.locator("#what")).to_have_text("drawing · 64 × 64 px")
    expect(page.locator("#timing")).to_have_text(re.compile(r"\d ms"))


def test_a_network_can_be_dropped_and_left_again(page: Page, models: Path):
    paste_or_drop(page, "drop", models / "colour.onnx", "")
    expect(page.locator("#model-facts")).to_contain_text("80 × 48 px, 3 channels")
    for choice, size in {"1": "128 × 128", "own": "80 × 48", "0": "64 × 64"}.items():
        page.select_option("#model", choice)
        expect(page.locator("#model-facts")).to_contain_text(f"{size} px")


def test_a_network_for_photographs_asks_for_one_instead_of_segmenting_a_drawing(page: Page, tmp_path: Path):
    page.click("#draw")
    page.select_option("#model", "2")
    expect(page.locator("#what")).to_have_text("Open, drop or paste a photograph, or use the camera.")
    expect(page.locator("#download")).to_be_disabled()
    expect(page.locator("#draw")).to_have_attribute("aria-pressed", "false")
    Image.new("RGB", (90, 60), (200, 30, 60)).save(tmp_path / "photo.png")
    page.set_input_files("#image-file", tmp_path / "photo.png")
    expect(page.locator("#what")).to_have_text("photo.png · 90 × 60 px")
    expect(page.locator("#download")).to_be_enabled()
    page.click("#draw")
    page.select_option("#model", "2")
    page.select_option("#model", "0")
    expect(page.locator("#what")).to_have_text("drawing · 64 × 64 px")


def bad_files(models: Path, folder: Path) -> dict[Path, str]:
    """Files that cannot be used, and what the page must say of them."""
    Image.effect_noise((64, 64), 30).save(folder / "whole.png")
    (folder / "cut.png").write_bytes((folder / "whole.png").read_bytes()[:900])
    (folder / "text.png").write_text("no image")
    (folder / "empty.jpg").touch()
    newer = onnx.load(models / "qtips.onnx")
    newer.metadata_props[0].value = re.sub(r'"format": \d', '"format": 3', newer.metadata_props[0].value)
    onnx.save(newer, folder / "newer.onnx")
    odd = onnx.load(models / "qtips.onnx")
    odd.metadata_props[0].value = odd.metadata_props[0].value.replace('"names"', '"nomes"')
    onnx.save(odd, folder / "odd.onnx")
    (folder / "cut.onnx").write_bytes((models / "qtips.onnx").read_bytes()[:700])
    return {
        folder / "cut.png": "damaged or truncated",
        folder / "text.png": "not an image",
        folder / "empty.jpg": "empty",
        folder / "newer.onnx": "format 3",
        folder / "odd.onnx": "“names”",
        folder / "cut.onnx": "not an ONNX file, or it is damaged",
        models / "text.onnx": "not an ONNX file",
        models / "bare.onnx": "not from imexseg",
    }


def test_bad_files_are_explained_and_the_page_goes_on(page: Page, models: Path, tmp_path: Path):
    page.click("#draw")
    for file, explanation in bad_files(models, tmp_path).items():
        field = "#model-file" if file.suffix == ".onnx" else "#image-file"
        page.set_input_files(field, file)
        expect(page.get_by_role("alert")).to_contain_text(explanation)
        expect(page.get_by_role("alert")).to_contain_text(file.name)
    page.select_option("#model", "1")
    page.select_option("#model", "0")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("#what")).to_have_text("drawing · 64 × 64 px")


def test_opacity_and_the_choice_of_classes_change_what_is_seen(page: Page):
    page.click("#draw")
    page.locator("#opacity").fill("80")
    expect(page.locator("#classes")).to_have_css("opacity", "0.8")
    corner = """canvas => {
        const copy = new OffscreenCanvas(1, 1).getContext("2d");
        copy.drawImage(canvas, 0, 0);
        return copy.getImageData(0, 0, 1, 1).data[3];
    }"""
    assert page.locator("#classes").evaluate(corner) == 0  # the background shows the image itself
    page.check("[aria-label='Show background']")
    assert page.locator("#classes").evaluate(corner) == 255
    page.uncheck("[aria-label='Show background']")


def test_the_camera_is_segmented_until_a_picture_is_taken(page: Page, tmp_path: Path):
    page.click("#camera")
    expect(page.locator("#what")).to_have_text("camera · 64 × 64 px")
    page.click("#freeze")
    expect(page.locator("#camera")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#status")).to_contain_text("camera segmented")
    assert downloaded_mask(page, tmp_path).shape == (64, 64)
    page.click("#draw")


def test_a_camera_that_may_not_be_used_is_explained(page: Page):
    refuse = "async () => { throw new DOMException('no', 'NotAllowedError'); }"
    page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {refuse}; }}")
    page.click("#camera")
    expect(page.get_by_role("alert")).to_contain_text("allow it in the browser's settings")
    page.evaluate("() => { delete navigator.mediaDevices.getUserMedia; }")
    expect(page.locator("#camera")).to_have_attribute("aria-pressed", "false")


def test_every_control_has_a_name_and_can_be_reached_by_keyboard(page: Page):
    page.click("#draw")
    nameless = page.locator("button, input, select").evaluate_all(
        "all => all.filter(e => !e.hidden && !(e.ariaLabel || e.textContent.trim() || e.labels?.length)).map(e => e.id)"
    )
    assert nameless == []
    page.evaluate("() => document.activeElement.blur()")
    reached = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.id || document.activeElement.name"))
    assert {
        "draw",
        "open-image",
        "open-folder",
        "camera",
        "kind",
        "random",
        "clear",
        "opacity",
        "compare",
        "download",
        "model",
        "open-model",
        "share",
    } <= reached
