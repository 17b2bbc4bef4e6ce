"""Many pictures at once: masks in a .zip and a table, as `imexseg predict --report` gives them."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from page_tools import CATCH_FILE, opened
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from imexseg.cli import main as command_line
from imexseg.data.read.mask_files import read_mask

RANDOM = np.random.default_rng(6)


def picture(path: Path, height: int = 64, width: int = 64) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = RANDOM.integers(0, 256, (height // 8, width // 8), dtype=np.uint8)
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of several formats, one of them damaged, and files that are none."""
    root = tmp_path_factory.mktemp("batch") / "scans"
    for name in ("one.png", "two, or “three”.bmp", "below/one.png", "below/one.tif", "below/large.png"):
        picture(root / name, *((150, 100) if "large" in name else (64, 64)))
    (root / "below/cut.png").write_bytes((root / "one.png").read_bytes()[:300])
    (root / "notes.txt").write_text("no picture")
    (root / ".hidden.png").write_text("no picture")
    return root


def saved_archive(page: Page) -> zipfile.ZipFile:
    page.evaluate(CATCH_FILE)
    page.click("#batch-save")
    name, content = page.evaluate("() => window.saved")
    assert name == "masks.zip"
    return zipfile.ZipFile(io.BytesIO(bytes(content)))


def test_a_folder_gives_the_masks_and_the_table_of_python(page: Page, folder: Path, models: Path, tmp_path: Path):
    page.set_input_files("#image-folder", folder)
    expect(page.locator("#batch-status")).to_have_text(
        "5 pictures segmented; 1 picture could not be read and is marked below.", timeout=30_000
    )
    expect(page.locator("#batch-count")).to_have_text("6 of 6")
    expect(page.locator("#batch-list li.failed")).to_have_text(
        "scans/below/cut.pngscans/below/cut.png is a PNG that is damaged or truncated. Copy or save it again."
    )
    archive = saved_archive(page)
    assert archive.testzip() is None
    sound = ["below/large", "below/one.png", "below/one.tif", "one", "two, or “three”"]
    names = {f"scans/{name}_mask.png": name for name in sound}
    names["scans/below/one_mask.png"] = names.pop("scans/below/one.png_mask.png")
    assert set(archive.namelist()) == {*names, "areas.csv", "problems.txt"}
    assert "scans/below/cut.png is a PNG" in archive.read("problems.txt").decode()

    files = sorted(path for path in folder.rglob("*.*") if path.suffix in (".png", ".tif", ".bmp"))
    files = [path for path in files if path.name not in ("cut.png", ".hidden.png")]
    report = tmp_path / "areas.csv"
    model = models / "qtips.onnx"
    for path in files:
        target = tmp_path / path.relative_to(folder)
        arguments = ["predict", str(path), "--weights", str(model), "--output", str(target), "--report", str(report)]
        assert command_line.main(arguments) == 0
        (name,) = [
            name for name, stem in names.items() if str(path.relative_to(folder)) in (stem, f"{stem}{path.suffix}")
        ]
        (tmp_path / "mask.png").write_bytes(archive.read(name))
        expected = read_mask(next(target.glob("*_mask.png")))
        np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), expected)
        row = next(csv.DictReader(io.StringIO(report.read_text())))
        (found,) = [
            one
            for one in csv.DictReader(io.StringIO(archive.read("areas.csv").decode()))
            if one["file"] == f"scans/{path.relative_to(folder)}"
        ]
        assert found | {"file": ""} == row | {"file": ""}


def drop(page: Page, files: list[Path]) -> None:
    page.evaluate(
        """(files) => {
            const data = new DataTransfer();
            for (const [name, bytes] of files) data.items.add(new File([new Uint8Array(bytes)], name));
            dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
        }""",
        [[file.name, list(file.read_bytes())] for file in files],
    )


def test_dropped_pictures_are_listed_and_each_can_be_looked_at(page: Page, tmp_path: Path):
    files = [picture(tmp_path / "a.png"), picture(tmp_path / "b.png", 70, 90)]
    drop(page, files)
    expect(page.locator("#batch-status")).to_have_text("2 pictures segmented.")
    page.get_by_role("button", name="b.png").click()
    expect(page.locator("#what")).to_have_text("b.png · 90 × 70 px")
    expect(page.locator("#batch-list li")).to_have_count(2)
    assert saved_archive(page).namelist() == ["a_mask.png", "b_mask.png", "areas.csv"]


def test_a_network_dropped_with_pictures_comes_first(page: Page, models: Path, tmp_path: Path):
    drop(page, [picture(tmp_path / "a.png"), models / "colour.onnx", picture(tmp_path / "b.png")])
    expect(page.locator("#batch-status")).to_have_text("2 pictures segmented.")
    expect(page.locator("#model-facts")).to_contain_text("80 × 48 px, 3 channels")
    drop(page, [models / "colour.onnx", models / "qtips.onnx"])
    expect(page.get_by_role("alert")).to_have_text("2 networks at once are too many. Open one of them.")
    page.select_option("#model", "0")
    expect(page.locator("#model-facts")).to_contain_text("64 × 64 px")


def test_it_can_be_stopped_and_what_is_done_is_kept(page: Page, tmp_path: Path):
    Image.new("L", (6000, 6000), 90).save(tmp_path / "huge.png")  # 15 625 tiles
    drop(page, [picture(tmp_path / "a.png"), tmp_path / "huge.png", picture(tmp_path / "b.png")])
    expect(page.locator("#batch-list li").nth(1)).to_have_text("huge.png…")
    page.click("#batch-stop")
    expect(page.locator("#batch-status")).to_have_text("1 picture segmented; stopped before the other 2.")
    assert saved_archive(page).namelist() == ["a_mask.png", "areas.csv"]
    page.click("#draw")
    expect(page.locator("#what")).to_have_text("drawing · 64 × 64 px")


def test_a_model_chosen_meanwhile_stops_it(page: Page, tmp_path: Path):
    Image.new("L", (6000, 6000), 90).save(tmp_path / "huge.png")
    drop(page, [tmp_path / "huge.png", picture(tmp_path / "b.png")])
    expect(page.locator("#batch-list li").first).to_have_text("huge.png…")
    page.select_option("#model", "1")
    expect(page.locator("#batch-status")).to_have_text("0 pictures segmented; stopped before the other 2.")
    expect(page.locator("#batch-save")).to_be_disabled()
    page.select_option("#model", "0")
    expect(page.locator("#model-facts")).to_contain_text("64 × 64 px")


def test_a_folder_without_pictures_is_explained(page: Page, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no picture")
    page.set_input_files("#image-folder", tmp_path)
    expect(page.get_by_role("alert")).to_contain_text("There are no pictures in it.")
    page.click("#draw")


def test_masks_have_the_numbers_of_the_model(browser: Browser, address: str, models: Path, tmp_path: Path):
    model = onnx.load(models / "qtips.onnx")
    model.metadata_props[0].value = model.metadata_props[0].value.replace(
        '"palette"', '"values": [7, 0, 255], "palette"'
    )
    onnx.save(model, tmp_path / "own.onnx")
    with opened(browser, address) as page:
        drop(page, [tmp_path / "own.onnx", picture(tmp_path / "a.png"), picture(tmp_path / "b.png")])
        expect(page.locator("#batch-status")).to_have_text("2 pictures segmented.")
        archive = saved_archive(page)
    with archive.open("a_mask.png") as file:
        assert set(np.unique(np.asarray(Image.open(file)))) == {0, 7, 255}
