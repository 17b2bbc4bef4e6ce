"""Images, results and data sets at URLs: what the commands write and say is what they write and say of local files."""

import errno
import http.server
import json
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from imexseg.cli import main as command_line
from imexseg.storage import remote
from imexseg.storage.places import Url

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Copies are gone at the end of each command."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    yield
    assert list(scratch.iterdir()) == []


def imexseg(*arguments: object) -> int:
    return command_line.main([*map(str, arguments)])


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("options", [["--probabilities"], ["--tile", "64"]], ids=["whole", "tiled"])
def test_a_bucket_gives_the_same_bytes_as_a_folder(options, bucket, scans: Path, tmp_path: Path, capsys: Capture):
    bucket.fill(scans, "scans")
    assert imexseg("predict", scans, "--output", tmp_path / "here", "--report", tmp_path / "here.csv", *options) == 0
    to = f"{bucket.url}/out"
    report = f"{bucket.url}/areas.csv"
    capsys.readouterr()
    assert imexseg("predict", f"{bucket.url}/scans", "--output", to, "--report", report, *options) == 0
    assert f"18 of 18 images segmented; see <name>_overlay.png and <name>_mask.png in {to}" in capsys.readouterr().err
    expected = contents(tmp_path / "here")
    assert len(expected) == (54 if "--probabilities" in options else 36)
    assert bucket.names("out") == sorted(expected)
    assert all(bucket.read(f"out/{name}") == content for name, content in expected.items())
    table = bucket.read("areas.csv").decode()
    assert table.replace(f"{bucket.url}/scans", str(scans)) == (tmp_path / "here.csv").read_text()


def test_what_is_in_the_bucket_is_skipped_and_still_reported(bucket, scans: Path, capsys: Capture):
    bucket.fill(scans, "scans")
    command = [
        "predict",
        f"{bucket.url}/scans/*.png",
        "--output",
        f"{bucket.url}/scans",
        "--report",
        f"{bucket.url}/r.csv",
    ]
    assert imexseg(*command) == 0
    first = bucket.read("r.csv")
    assert first.count(b"\n") == 1 + 5
    bucket.filesystem.rm(f"{bucket.url}/scans/00_overlay.png")
    capsys.readouterr()
    assert imexseg(*command, "--skip-existing") == 0
    said = capsys.readouterr().err
    assert "1 of 5 images segmented, 4 skipped, whose results were there" in said
    assert "images of earlier results not read" in said
    assert bucket.read("r.csv") == first
    assert "00_overlay.png" in bucket.names("scans")


def test_a_bucket_to_a_folder_and_a_folder_to_a_bucket(bucket, scans: Path, tmp_path: Path):
    image = scans / "00.png"
    bucket.filesystem.put_file(str(image), f"{bucket.url}/a [1].png")
    bucket.filesystem.put_file(str(Path("weights/qtips.safetensors").absolute()), f"{bucket.url}/w.safetensors")
    weights = f"{bucket.url}/w.safetensors"
    assert imexseg("predict", f"{bucket.url}/a [1].png", "--weights", weights, "--output", tmp_path / "x") == 0
    assert imexseg("predict", image, "--output", f"{bucket.url}/y") == 0
    assert (tmp_path / "x/a [1]_mask.png").read_bytes() == bucket.read("y/00_mask.png")


def test_outlines_go_to_the_bucket_as_to_a_folder(bucket, scans: Path, tmp_path: Path):
    bucket.fill(scans, "scans")
    write = ["--write", "labelme,coco,voc"]
    assert imexseg("predict", scans, "--output", tmp_path / "here", *write) == 0
    assert imexseg("predict", f"{bucket.url}/scans", "--output", f"{bucket.url}/out", *write) == 0
    expected = contents(tmp_path / "here")
    assert bucket.names("out") == sorted(expected)
    for name, content in expected.items():
        if name.startswith("labelme/") and name.endswith(".json"):
            here, there = json.loads(content), json.loads(bucket.read(f"out/{name}"))
            assert there.pop("imagePath") == here.pop("imagePath").replace(
                os.path.relpath(scans, tmp_path / "here"), "../scans"
            )
            assert here == there
        else:
            assert bucket.read(f"out/{name}") == content
    assert imexseg("predict", f"{bucket.url}/scans", "--output", f"{bucket.url}/out", "--write", "labelme") == 2


def test_an_object_that_vanishes_is_one_line_and_the_others_are_done(
    bucket, scans: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
):
    bucket.fill(scans, "scans")
    listed = remote.files_below

    def then_vanish(url: Url):
        yield from list(listed(url))
        bucket.filesystem.rm(f"{bucket.url}/scans/deeper/04.tif")

    monkeypatch.setattr("imexseg.cli.remote_inputs.files_below", then_vanish)
    assert imexseg("predict", f"{bucket.url}/scans", "--output", f"{bucket.url}/out") == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "than the images of training" not in line]
    assert "17 of 18 images segmented" in lines[0]
    assert lines[1:] == [
        f"imexseg: {bucket.url}/scans/deeper/04.tif: no such file or folder; correct the URL",
        "imexseg: 1 of 18 images failed",
    ]
    assert len(bucket.names("out")) == 34


@pytest.mark.parametrize("what", ["image", "folder", "pattern", "data"])
def test_a_bucket_that_is_not_there(what: str, s3_server: str, capsys: Capture, tmp_path: Path):
    place = {"image": "a.png", "folder": "a/", "pattern": "*.png", "data": "a"}[what]
    command = ["evaluate", "qtips"] if what == "data" else ["predict", "--output", tmp_path / "out"]
    assert imexseg(*command, f"s3://nowhere/{place}") != 0
    (line, *more) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"imexseg: s3://nowhere/{place}: no such ") or "no file matches" in line
    assert more in ([], ["imexseg: 1 of 1 images failed"])


def test_a_bucket_without_rights_is_one_line_without_the_secret(bucket, scans: Path, tmp_path: Path, capsys: Capture):
    bucket.fill(scans, "scans")
    bucket.allow(0)
    for command in (
        ["predict", f"{bucket.url}/scans", "--output", tmp_path / "out"],
        ["predict", scans, "--output", f"{bucket.url}/out"],
        ["check", f"{bucket.url}/scans"],
        ["evaluate", "qtips", f"{bucket.url}/scans"],
    ):
        assert imexseg(*command) != 0
        said = capsys.readouterr()
        assert said.err.startswith(f"imexseg: {bucket.url}/")
        assert said.err.count("\n") == 1
        assert "no right to have it" in said.err
        assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in said.err
        assert os.environ["AWS_SECRET_ACCESS_KEY"] not in said.err + said.out
        assert os.environ["AWS_ACCESS_KEY_ID"] + " " not in said.err
    bucket.allow(1 << 30)
    assert bucket.names("out") == []


def test_a_server_that_does_not_answer(capsys: Capture, tmp_path: Path):
    for url in ("http://127.0.0.1:9/a.png", "http://name:hidden-word@127.0.0.1:9/a.png?sign=hidden-too"):
        assert imexseg("predict", url, "--output", tmp_path / "out") == 1
        said = capsys.readouterr().err
        assert "cannot be reached" in said
        assert "hidden" not in said
        assert "127.0.0.1:9/a.png" in said
    assert not (tmp_path / "out").exists()


def test_the_web_is_read_and_not_written(scans: Path, tmp_path: Path, capsys: Capture):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(scans))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        top = f"http://127.0.0.1:{server.server_port}"
        assert imexseg("predict", scans, "--output", tmp_path / "here") == 0
        assert imexseg("predict", f"{top}/", "--output", tmp_path / "there") == 0
        assert contents(tmp_path / "there") == contents(tmp_path / "here")
        assert imexseg("predict", f"{top}/00.png?key=hidden", "--output", tmp_path / "one") == 0
        assert (tmp_path / "one/00_mask.png").read_bytes() == (tmp_path / "here/00_mask.png").read_bytes()
        capsys.readouterr()
        assert imexseg("predict", f"{top}/none.png?key=hidden", "--output", tmp_path / "one") == 1
        assert f"{top}/none.png?***: no such file" in capsys.readouterr().err
        assert imexseg("predict", scans, "--output", f"{top}/out") == 2
        assert "nothing can be written to a web address" in capsys.readouterr().err
        server.shutdown()


def test_check_and_evaluate_say_of_a_bucket_what_they_say_of_its_folder(bucket, qtips_folder: Path, capsys: Capture):
    bucket.fill(qtips_folder, "data")
    bucket.filesystem.rm(f"{bucket.url}/data/masks/train/{next((qtips_folder / 'masks/train').iterdir()).name}")
    url = f"{bucket.url}/data"
    for command in (["evaluate", "qtips", qtips_folder, "--json"], ["check", qtips_folder / "data.yaml", "--json"]):
        assert imexseg(*command) == 0
    here = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert imexseg("evaluate", "qtips", url, "--json") == 0
    assert imexseg("check", f"{url}/data.yaml", "--json") == 2
    there = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert there[0] == here[0]
    assert there[1]["root"] == url
    assert {split: there[1]["splits"][split] for split in ("val", "test")} == {
        split: here[1]["splits"][split] for split in ("val", "test")
    }
    (error,) = there[1]["errors"]
    assert error["kind"] == "without mask"
    assert error["examples"][0].startswith(f"{url}/images/train/")


def test_a_data_set_that_leads_out_of_its_bucket_is_refused(bucket, capsys: Capture):
    text = "names: [a, b]\nimages: ../../{split}/*.png\nmasks: ../../m/{split}/*.png\n"
    bucket.filesystem.pipe_file(f"{bucket.url}/data/data.yaml", text.encode())
    assert imexseg("check", f"{bucket.url}/data") == 2
    assert "leads out of this folder" in capsys.readouterr().err


def test_names_that_lead_out_of_the_output_are_not_read(bucket, scans: Path, tmp_path: Path):
    image = (scans / "00.png").read_bytes()
    import boto3

    client = boto3.client("s3", region_name="us-east-1")
    for key in ("in/a.png", "in/../../../b.png", "in//c.png"):
        client.put_object(Bucket=bucket.url.removeprefix("s3://"), Key=key, Body=image)
    assert imexseg("predict", f"{bucket.url}/in", "--output", tmp_path / "out/deep") == 0
    assert sorted(contents(tmp_path / "out")) == ["deep/a_mask.png", "deep/a_overlay.png"]


def test_a_full_disk_is_one_line(bucket, monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    bucket.filesystem.pipe_file(f"{bucket.url}/a.png", b"x")
    monkeypatch.setattr(bucket.filesystem, "get_file", full)  # fsspec has one object for equal options
    assert imexseg("predict", f"{bucket.url}/a.png", "--output", tmp_path / "out") == 1
    first, _ = capsys.readouterr().err.splitlines()
    assert first.startswith(f"imexseg: {bucket.url}/a.png: there is no room for a copy of it in {tmp_path}/scratch; ")


@pytest.mark.parametrize(
    ("url", "library", "extra"), [("s3://b/a.png", "s3fs", "remote"), ("gs://b/a.png", "gcsfs", "gcs")]
)
def test_a_missing_library_is_one_line(
    url, library, extra, monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
):
    import fsspec

    def missing(*_: object, **__: object) -> None:
        raise ImportError(f"Install {library} to access it")

    monkeypatch.setattr(fsspec.core, "get_filesystem_class", missing)
    assert imexseg("predict", url, "--output", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert said == f"imexseg: {url}: the library for {url[:2]}:// is not installed; pip install 'imexseg[{extra}]'\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://key:secret@bucket/a.png", "s3://***@bucket/a.png"),
        ("https://host/a.tif?X-Amz-Signature=secret", "https://host/a.tif?***"),
        ("https://me:secret@host:8000/a/b.tif", "https://***@host:8000/a/b.tif"),
        ("s3://bucket/a@b/c.png", "s3://bucket/a@b/c.png"),
    ],
)
def test_urls_are_shown_without_secrets(text: str, shown: str):
    url = Url(text)
    assert str(url) == shown
    assert "secret" not in str(url / "x") + str(url.with_name("y"))
    if "secret" in text:
        assert "secret" not in remote.scrubbed(f"403 for {text}, key secret", url)
