"""Test networks, the page built with them, and a browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from box_model import box_model
from page_tools import CHROMIUM_FLAGS, WEB, node, opened, served
from playwright.sync_api import Browser, Page, sync_playwright


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of test networks; read only."""
    folder = tmp_path_factory.mktemp("models")
    made = {
        "qtips": box_model((64, 64)),  # in the place of those that come with the page
        "qtips-pile": box_model((128, 128)),
        "people-tiny": box_model(None, channels=3),
        "people-lite0": box_model(None, channels=3),
        "colour": box_model((48, 80), channels=3),
        "dynamic": box_model(None),
        "deep": box_model(None, kind="uint16"),
        "float": box_model(None, kind="float32"),
    }
    for name, model in made.items():
        onnx.save(model, folder / f"{name}.onnx")
    bare = box_model()
    del bare.metadata_props[:]
    onnx.save(bare, folder / "bare.onnx")
    (folder / "text.onnx").write_text("hello, I am a text\n" * 5)
    return folder


@pytest.fixture(scope="session")
def built_page(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as `make web` builds it, with test networks in the place of those that come with it."""
    folder = tmp_path_factory.mktemp("page") / "dist"
    node(WEB / "build.mjs", folder, models)
    return folder


@pytest.fixture(scope="session")
def address(built_page: Path) -> Iterator[str]:
    with served(built_page) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine; install the package `chromium` to test the page")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that many tests share: each leaves it usable."""
    with opened(browser, address) as one:
        yield one
