"""Lists of files: what is taken, what is passed over, and that all of it is accounted for."""

import os
from pathlib import Path

import pytest

from imexseg.data.pairs.files import file_key, find_files
from imexseg.errors import UsageError
from imexseg.text import read_text

IMAGES = {".png", ".jpg"}


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(paths: list[Path], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]


def test_suffixes_in_any_capitals_and_subfolders_are_taken(tmp_path):
    put(tmp_path, "a.png", "B.PNG", "day 2/c.Jpg", "day 2/night/d.png")
    found = find_files(tmp_path, IMAGES)
    assert names(found.files, tmp_path) == ["B.PNG", "a.png", "day 2/c.Jpg", "day 2/night/d.png"]
    assert found.remarks(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    ["._a.png", ".DS_Store", ".ipynb_checkpoints/a.png", "__MACOSX/a.png", "Thumbs.db", "desktop.ini", "@eaDir/a.png"],
)
def test_what_systems_leave_behind_is_passed_over_and_counted(tmp_path, name):
    put(tmp_path, "a.png", f"sub/{name}")
    found = find_files(tmp_path, IMAGES)
    assert names(found.files, tmp_path) == ["a.png"]
    assert names(found.hidden, tmp_path) == [f"sub/{name.split('/')[0]}"]
    assert "1 hidden or system file skipped" in found.remarks(tmp_path)[0]


def test_other_files_and_folders_below_the_depth_are_named(tmp_path):
    put(tmp_path, "a.png", "notes.txt", "b.RAW", "c.raw", "day2/e.png", "data.yaml")
    found = find_files(tmp_path, IMAGES, depth=0)
    assert names(found.files, tmp_path) == ["a.png"]
    other, folders = found.remarks(tmp_path, expected=[tmp_path / "data.yaml"])
    assert "3 other files not read (2 with .raw, 1 with .txt)" in other
    assert folders == f"{tmp_path}: 1 folder not read: {tmp_path / 'day2'}"


def test_links_are_followed_once_and_broken_ones_named(tmp_path):
    put(tmp_path, "store/a.png", "data/b.png")
    data = tmp_path / "data"
    for name, target in {
        "c.png": "../store/a.png",
        "more": "../store",
        "again": "../store",
        "loop": ".",
        "up": "..",
    }.items():
        os.symlink(target, data / name)
    os.symlink("nowhere.png", data / "lost.png")
    found = find_files(data, IMAGES)
    assert names(found.files, data) == ["again/a.png", "b.png", "c.png"]
    assert names(found.folders, data) == ["loop", "more", "up"]
    assert names(found.broken, data) == ["lost.png"]
    assert any("lost.png" in line and "broken link" in line for line in found.remarks(data))


def test_a_pipe_is_no_image(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    found = find_files(tmp_path, IMAGES)
    assert found.files == []
    assert names(found.other, tmp_path) == ["a.png"]
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        read_text(tmp_path / "a.png")


def test_keys_are_paths_in_one_unicode_form():
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    assert file_key(Path(f"i/train/x/{decomposed}.a.PNG"), Path("i/train")) == f"x/{composed}.a"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_text_with_a_byte_order_mark_or_in_utf8_is_read(tmp_path, encoding):
    path = tmp_path / "names.txt"
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    path.write_bytes((mark + "Stra\u00dfe\r\nWald\r\n").encode(encoding))
    assert read_text(path) == "Stra\u00dfe\nWald\n"


@pytest.mark.parametrize(
    "content", ["a\nStra\u00dfe".encode("cp1252"), "ab".encode("utf-16-le"), b"\xff\xfea", b"\x89PNG\0"]
)
def test_other_text_is_refused_with_the_remedy(tmp_path, content):
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=rf"{path}.*save it as UTF-8"):
        read_text(path)


def test_text_beyond_the_limit_is_refused(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("a" * 2000)
    with pytest.raises(UsageError, match="larger than 1 KiB"):
        read_text(path, largest=1024)
