"""Before and after: a line over the picture, moved with mouse and keyboard."""

import numpy as np
import pytest
from page_tools import opened
from playwright.sync_api import Browser, Page, expect


def is_shown(page: Page, at: float) -> bool:
    """Whether the classes are seen at this part of the width: what a screenshot has there is not what it has without them."""
    stage = page.locator("#image")
    box = stage.bounding_box()
    assert box
    clip = {"x": box["x"] + at * box["width"] - 2, "y": box["y"] + 4, "width": 4, "height": 4}
    with_classes = page.screenshot(clip=clip)
    page.evaluate("() => document.getElementById('classes').style.visibility = 'hidden'")
    without = page.screenshot(clip=clip)
    page.evaluate("() => document.getElementById('classes').style.visibility = ''")
    return with_classes != without


@pytest.fixture
def compared(browser: Browser, address: str):
    with opened(browser, address) as page:
        page.click("#clear")
        page.check("[aria-label='Show background']")
        page.click("#compare")
        yield page


def test_left_of_the_line_the_picture_is_alone(compared: Page):
    slider = compared.get_by_role("slider", name="Before and after")
    expect(slider).to_be_focused()
    for percent in (50, 20, 80):
        slider.fill(str(percent))
        assert [is_shown(compared, at / 10) for at in range(1, 10) if 10 * at != percent] == [
            10 * at > percent for at in range(1, 10) if 10 * at != percent
        ]
    compared.click("#compare")
    expect(slider).to_be_hidden()
    assert is_shown(compared, 0.1)


def test_it_is_moved_with_the_keyboard_and_says_where_it_is(compared: Page):
    slider = compared.get_by_role("slider", name="Before and after")
    compared.keyboard.press("ArrowLeft")
    expect(slider).to_have_value("49")
    compared.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "picture alone on the left 0 %")
    compared.keyboard.press("End")
    expect(slider).to_have_value("100")


def test_it_is_moved_with_the_mouse_and_beside_it_one_can_draw(compared: Page):
    box = compared.locator("#image").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    compared.mouse.move(box["x"] + box["width"] / 2, middle)
    compared.mouse.down()
    compared.mouse.move(box["x"] + box["width"] / 4, middle, steps=5)
    compared.mouse.up()
    value = float(compared.locator("#split").input_value())
    assert np.isclose(value, 25, atol=4)
    expect(compared.locator("#legend tbody tr").first).to_contain_text("100.0 %")  # no bar was drawn
    compared.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.2 * box["height"])
    compared.mouse.down()
    compared.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"], steps=5)
    compared.mouse.up()
    expect(compared.locator("#legend tbody tr").first).not_to_contain_text("100.0 %")
    assert float(compared.locator("#split").input_value()) == value
