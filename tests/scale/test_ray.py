"""Work that Ray shares out: the same files and figures as without it, also if a worker is killed in the middle."""

import contextlib
import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imexseg.cli import main as command_line
from imexseg.distributed import pool
from imexseg.distributed.cluster import connected
from imexseg.distributed.worker import Setup
from imexseg.models.weights import shipped_weights

pytestmark = pytest.mark.xdist_group("ray")  # one Ray for all of them, not one a process
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module", autouse=True)
def three_cores(s3_server: str) -> Iterator[None]:
    """A Ray in this process, started as the commands start it; they use it as it is. One core is for who needs a third."""
    with connected(None, cores=3):
        yield


@pytest.fixture(scope="module")
def two_workers(three_cores: None) -> Iterator[pool.Pool]:
    """With the default weights. Importing torch takes seconds, so most tests share them."""
    weights = shipped_weights()["qtips"]
    found = pool.Pool(Setup(weights.name, weights.read_bytes()), 2)
    yield found
    found.close()


@pytest.fixture
def shared(two_workers: pool.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands get these workers."""
    monkeypatch.setattr(pool, "opened", lambda *_: contextlib.nullcontext(two_workers))


def imexseg(*arguments: object) -> int:
    return command_line.main([*map(str, arguments)])


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def workers(task: str) -> list[int]:
    """Processes that are at this task."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes().startswith(f"ray::Worker.{task}".encode()):
                found.append(int(path.parent.name))
    return found


def listening_addresses() -> list[str]:
    """Of Ray's processes, as the kernel writes them, in hexadecimal."""
    sockets = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, state, inode = (line.split()[k] for k in (1, 3, 9))
            if state == "0A":
                sockets[f"socket:[{inode}]"] = local.split(":")[0]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cmdline").read_bytes().startswith(b"ray::") or b"/ray/core/" in (
                process / "cmdline"
            ).read_bytes():
                found += [sockets[name] for fd in (process / "fd").iterdir() if (name := os.readlink(fd)) in sockets]
    return found


def test_ray_listens_to_this_machine_only():
    local = {"0100007F", "0000000000000000FFFF00000100007F"}
    assert set(listening_addresses()) & local
    assert set(listening_addresses()) <= local
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def compare(options: list[str], scans: Path, tmp_path: Path, capsys: Capture) -> None:
    assert imexseg("predict", scans, "--output", tmp_path / "here", "--report", tmp_path / "here.csv", *options) == 0
    here = capsys.readouterr().err
    ray = ["--engine", "ray", "--report", tmp_path / "ray.csv"]
    assert imexseg("predict", scans, "--output", tmp_path / "ray", *ray, *options) == 0
    assert contents(tmp_path / "ray") == contents(tmp_path / "here")
    assert len(contents(tmp_path / "ray")) == 36
    assert (tmp_path / "ray.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    assert "18 of 18 images segmented" in here
    assert "18 of 18 images segmented" in capsys.readouterr().err


@pytest.mark.usefixtures("shared")
def test_the_same_bytes_as_without_it(scans: Path, tmp_path: Path, capsys: Capture):
    compare([], scans, tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [["--tile", "64"], ["--tta"], ["--max-memory", "6MiB"]], ids=["tiled", "tta", "limited"]
)
def test_the_same_bytes_in_other_ways(
    options: list[str], scans: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("imexseg.inference.memory_limit.resident_bytes", lambda: 0)  # of whoever asks Ray, for all
    compare(options, scans, tmp_path, capsys)


@pytest.mark.usefixtures("shared")
def test_a_bucket_and_an_image_that_cannot_be_read(bucket, scans: Path, tmp_path: Path, capsys: Capture):
    bucket.fill(scans, "scans")
    bucket.filesystem.pipe_file(f"{bucket.url}/scans/broken.png", b"no image")
    assert imexseg("predict", scans, "--output", tmp_path / "here") == 0
    capsys.readouterr()
    assert imexseg("predict", f"{bucket.url}/scans", "--output", f"{bucket.url}/out", "--engine", "ray") == 1
    said = capsys.readouterr().err
    assert "18 of 19 images segmented" in said
    assert f"imexseg: {bucket.url}/scans/broken.png: " in said
    assert {name: bucket.read(f"out/{name}") for name in bucket.names("out")} == contents(tmp_path / "here")


@pytest.mark.usefixtures("shared")
def test_a_worker_that_is_killed_in_the_middle(tmp_path: Path, capsys: Capture):
    """Every image is done, and none counts twice."""
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(48):
        Image.fromarray(random.integers(0, 256, (200, 200), dtype=np.uint8)).save(folder / f"{number:02}.png")
    killed: list[int] = []

    def kill_one() -> None:
        deadline = time.monotonic() + 60
        while not killed and time.monotonic() < deadline:
            done = len(list(out.glob("*_mask.png"))) if out.exists() else 0
            if 4 <= done <= 40 and (found := workers("predict")):
                os.kill(found[0], signal.SIGKILL)
                killed.append(done)
            time.sleep(0.002)

    killer = threading.Thread(target=kill_one)
    killer.start()
    command = ["predict", folder, "--output", out, "--engine", "ray", "--report", tmp_path / "areas.csv"]
    assert imexseg(*command) == 0
    killer.join()
    assert killed
    assert "48 of 48 images segmented" in capsys.readouterr().err
    rows = (tmp_path / "areas.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == [str(path) for path in sorted(folder.iterdir())]
    assert len(contents(out)) == 96  # no .part either
    assert imexseg("predict", folder, "--output", tmp_path / "here") == 0
    assert contents(out) == contents(tmp_path / "here")


@pytest.mark.usefixtures("shared")
def test_evaluate_and_check_give_the_same_figures(bucket, qtips_folder: Path, capsys: Capture):
    bucket.fill(qtips_folder, "data")
    url = f"{bucket.url}/data"
    noisy = ["--split", "train", "--noise", "0.1", "--json"]
    assert imexseg("evaluate", "qtips", qtips_folder, *noisy) == 0
    assert imexseg("check", qtips_folder, "--json") == 0
    assert imexseg("evaluate", "qtips", url, *noisy, "--engine", "ray") == 0
    assert imexseg("check", url, "--json", "--engine", "ray") == 0
    here, facts, there, facts_there = capsys.readouterr().out.splitlines()
    assert json.loads(there) == json.loads(here)
    assert json.loads(facts_there) == json.loads(facts.replace(str(qtips_folder), url))


def test_a_single_image_is_segmented_here(scans: Path, tmp_path: Path, capsys: Capture):
    assert imexseg("predict", scans / "00.png", "--output", tmp_path / "out", "--engine", "ray") == 0
    first, *_ = capsys.readouterr().err.splitlines()
    assert first == "--engine ray: shares out images, and there is one; it is segmented here"
    assert len(contents(tmp_path / "out")) == 2


def refused(*options: object, scans: Path, tmp_path: Path, capsys: Capture) -> tuple[int, str]:
    code = imexseg("predict", scans, "--output", tmp_path / "out", *options)
    (line,) = capsys.readouterr().err.splitlines()
    assert not (tmp_path / "out").exists()
    return code, line


def test_bad_input_is_one_line(scans: Path, tmp_path: Path, capsys: Capture):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    given = {"scans": scans, "tmp_path": tmp_path, "capsys": capsys}
    code, line = refused("--engine", "ray", "--address", f"127.0.0.1:{port}", **given)
    assert code == 1
    assert f"--address 127.0.0.1:{port}: nobody answers" in line
    assert "ray start --head" in line
    for address in ("http://127.0.0.1:80", "host:0", ":1"):
        code, line = refused("--engine", "ray", "--address", address, **given)
        assert (code, "is no address" in line) == (2, True)
    assert refused("--address", "host", **given) == (
        2,
        "imexseg: --address: belongs to --engine ray; add it, or leave this out",
    )
    code, line = refused("--engine", "ray", "--workers", 4, **given)  # of three cores, some of which other tests hold
    assert code == 2
    assert re.search(r"has room for \d of a core each", line)
    code, line = refused("--engine", "ray", "--gpus-per-worker", 0.5, **given)
    assert (code, "no room for a worker of 0.5 GPUs and a core" in line) == (1, True)


def test_without_ray_is_one_line(scans: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    code, line = refused("--engine", "ray", scans=scans, tmp_path=tmp_path, capsys=capsys)
    assert code == 2
    assert line == "imexseg: --engine ray: Ray is not installed; pip install 'imexseg[distributed]'"
