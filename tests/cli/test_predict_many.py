"""imexseg predict on folders: what exists is skipped, areas are reported, an interrupt leaves whole files only."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imexseg.cli import main as command_line

NAMES = ["background", "white-white", "white-black", "black-black"]  # of the shipped weights


def predict(*arguments: object) -> int:
    return command_line.main(["predict", *map(str, arguments)])


def write_images(folder: Path, number: int, size: tuple[int, int] = (32, 48)) -> list[Path]:
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(1)
    paths = [folder / f"{k:03}.png" for k in range(number)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, size, dtype=np.uint8)).save(path)
    return paths


def rows_of(report: Path) -> list[dict[str, str]]:
    with open(report, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def expected_row(path: Path, mask: Path) -> dict[str, str]:
    pixels = np.asarray(Image.open(mask))
    counts = {name: str(int((pixels == k).sum())) for k, name in enumerate(NAMES)}
    size = {"width": str(pixels.shape[1]), "height": str(pixels.shape[0])}
    return {"file": str(path), **size, **counts, "ignored": str(int((pixels == 255).sum()))}


@pytest.mark.parametrize("tile", [[], ["--tile", "64"]], ids=["whole", "tiled"])
def test_what_exists_is_skipped_and_still_reported(tile: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    paths, out, report = write_images(tmp_path / "in", 6, (80, 70)), tmp_path / "out", tmp_path / "r/areas.csv"
    holes = np.asarray(Image.open(paths[2])).copy()
    alpha = np.full_like(holes, 255)
    alpha[:4] = 0
    Image.fromarray(np.dstack([holes, alpha]), "LA").save(paths[2])
    assert predict(tmp_path / "in", "--output", out, "--report", report, *tile) == 0
    first = report.read_bytes()
    assert rows_of(report) == [expected_row(path, out / f"{path.stem}_mask.png") for path in paths]
    assert rows_of(report)[2]["ignored"] == str(4 * 70)
    (out / "001_mask.png").unlink()
    (out / "004_overlay.png").unlink()
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    capsys.readouterr()
    assert predict(tmp_path / "in", "--output", out, "--report", report, "--skip-existing", *tile) == 0
    assert "2 of 6 images segmented, 4 skipped, whose results were there" in capsys.readouterr().err
    after = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {
        f"{stem}_{kind}.png" for stem in ("001", "004") for kind in ("mask", "overlay")
    }
    assert report.read_bytes() == first
    assert predict(tmp_path / "in", "--output", out, "--skip-existing", *tile) == 0
    assert "0 of 6 images segmented, 6 skipped" in capsys.readouterr().err


def test_probabilities_that_are_missing_are_no_reason_to_skip(tmp_path: Path):
    write_images(tmp_path / "in", 2)
    assert predict(tmp_path / "in", "--output", tmp_path / "out") == 0
    assert predict(tmp_path / "in", "--output", tmp_path / "out", "--skip-existing", "--probabilities") == 0
    assert (tmp_path / "out/000_probabilities.npz").exists()


def test_a_report_has_no_row_of_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    paths, out = write_images(tmp_path / "in", 4), tmp_path / "out"
    assert predict(*paths, "--output", out) == 0
    Image.fromarray(np.full((32, 48), 9, np.uint8)).save(out / "003_mask.png")  # as other weights would write
    (out / "001_mask.png").unlink()
    paths[1].write_bytes(b"nothing")
    capsys.readouterr()
    assert predict(*paths, "--output", out, "--skip-existing", "--report", tmp_path / "r.csv") == 1
    said = capsys.readouterr().err
    assert "003_mask.png: holds 9, which is no class of these weights" in said
    assert "001.png: is not an image" in said
    assert "2 of 4 images failed" in said
    assert [row["file"] for row in rows_of(tmp_path / "r.csv")] == [str(paths[0]), str(paths[2])]


def test_a_report_takes_the_place_of_no_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (path,) = write_images(tmp_path / "in", 1)
    before = path.read_bytes()
    for place in (path, tmp_path):
        assert predict(path, "--output", tmp_path / "out", "--report", place) == 2
        assert f"--report {place}: is a folder or one of the images" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="sends signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_is_finished(number: signal.Signals, tmp_path: Path):
    paths, out = write_images(tmp_path / "in", 400, (64, 64)), tmp_path / "out"
    command = [sys.executable, "-m", "imexseg", "predict", tmp_path / "in", "--output", out]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: [signal.signal(kind, signal.SIG_DFL) for kind in (signal.SIGINT, signal.SIGTERM)] and None,
    )
    deadline = time.monotonic() + 100
    while not list(out.glob("*_mask.png")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    (line,) = said.splitlines()
    assert "interrupted" in line
    assert "--skip-existing" in line
    found = {path.name for path in out.iterdir()}
    stems = {name.split("_")[0] for name in found}
    assert len(stems) < len(paths)
    assert found == {f"{stem}_{kind}.png" for stem in stems for kind in ("mask", "overlay")}
    for name in found:
        Image.open(out / name).load()
    assert predict(tmp_path / "in", "--output", out, "--skip-existing") == 0
    assert len(list(out.iterdir())) == 2 * len(paths)
