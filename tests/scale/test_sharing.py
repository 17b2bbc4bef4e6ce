"""How work is shared out, whoever does it: nothing twice, nothing lost, and what keeps failing is tried by itself."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import processes
import pytest
import torch
from PIL import Image

from imexseg.cli import main as command_line
from imexseg.distributed.cluster import connected
from imexseg.distributed.commands import check_on, predict_on
from imexseg.errors import JobError
from imexseg.inference.pipeline import BUNDLE_BYTES, BUNDLE_IMAGES, Wanted
from imexseg.inference.placed import GROUP_BYTES, GROUP_IMAGES, PlacedJob, PlacedResult, groups
from imexseg.storage.in_turn import in_turn


def jobs(sizes: list[int]) -> list[PlacedJob]:
    return [PlacedJob(k, Path(f"/in/{k}.png"), Path(f"/out/{k}"), size) for k, size in enumerate(sizes)]


class Deadly:
    """A pool in which whoever touches image 5 dies, and answers come twice and in the wrong order."""

    actors = (1, 2)

    def __init__(self) -> None:
        self.seen: list[list[int]] = []

    def recover(self) -> None:
        pass

    def each(self, method: str, tasks: list[Any], *shared: Any) -> Iterator[tuple[int, Any]]:
        for number, task in reversed(list(enumerate(tasks))):
            self.seen.append([job.number for job in task])
            if all(job.number != 5 for job in task):
                yield from [(number, [PlacedResult(job) for job in task])] * 2


def test_who_dies_in_company_is_tried_alone_and_nobody_counts_twice():
    pool = Deadly()
    results = list(predict_on(pool, jobs([BUNDLE_BYTES] * 64), Wanted()))  # type: ignore[arg-type]
    assert sorted(result.job.number for result in results) == list(range(64))
    (failed,) = (result for result in results if result.error)
    assert failed.job.number == 5
    assert "/in/5.png: its worker died again and again" in str(failed.error)
    company = next(group for group in pool.seen if 5 in group)
    assert len(company) == 4
    assert pool.seen[-4:] == [[number] for number in reversed(company)]


def test_pairs_without_an_answer_are_no_result():
    with pytest.raises(JobError, match="a part of the data has no answer"):
        list(check_on(Deadly(), jobs([1] * 64), None, None))  # type: ignore[arg-type]


def test_groups_are_whole_bundles_of_a_bounded_size():
    small = list(groups(jobs([100] * 100)))
    assert [len(group) for group in small] == [GROUP_IMAGES] * 3 + [4]
    assert [job.number for group in small for job in group] == list(range(100))
    assert [len(group) for group in groups(jobs([100] * 20), most=1)] == [BUNDLE_IMAGES, BUNDLE_IMAGES, 4]
    assert [len(group) for group in groups(jobs([GROUP_BYTES // 3] * 7))] == [3, 3, 1]


def test_what_is_prepared_is_released_however_it_ends():
    held: set[int] = set()
    most = 0

    def prepare(item: int) -> int:
        nonlocal most
        held.add(item)
        most = max(most, len(held))
        if item == 7:
            raise ValueError(item)
        return 2 * item

    taken = []

    def take() -> None:
        for found in in_turn(range(100), prepare, held.remove, ahead=3):
            taken.append(found)

    with pytest.raises(ValueError, match="7"):
        take()
    assert taken == [(k, 2 * k) for k in range(7)]
    assert held == set()
    assert most == 3


@pytest.mark.slow
def test_a_large_image_is_the_same_with_two_threads(tmp_path: Path):
    """Rounding depends on their number, and Ray would give each worker one."""
    (tmp_path / "in").mkdir()
    for seed in range(3):
        coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((2000, 1500), Image.Resampling.BICUBIC)
        image.save(tmp_path / f"in/{seed}.png")
    command = ["predict", tmp_path / "in", "--weights", "people-lite0", "--output"]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    for name, options in (("here", []), ("ray", ["--engine", "ray", "--workers", 2])):
        done = processes.run_as_typed(*command, tmp_path / name, *options, timeout=300, env=environment)
        assert done.returncode == 0, done.stderr
    for path in (tmp_path / "here").iterdir():
        assert (tmp_path / "ray" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.slow
def test_the_commands_start_a_ray_of_their_own(scans: Path, tmp_path: Path, imexseg_cli):
    out = [tmp_path / name for name in ("here", "ray")]
    done = [
        imexseg_cli("predict", scans, "--output", out[0]),
        imexseg_cli("predict", scans, "--output", out[1], "--engine", "ray"),
    ]
    assert [one.stderr.replace("/ray", "/here") for one in done] == [done[0].stderr] * 2
    assert [one.stdout for one in done] == ["", ""]
    files = [{p.relative_to(top): p.read_bytes() for p in top.rglob("*.png")} for top in out]
    assert len(files[0]) == 36
    assert files[1] == files[0]


@pytest.mark.slow
def test_a_place_that_cannot_be_written_to_ends_it(scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "taken").write_text("a file, not a folder")
    with connected(None, cores=2):
        assert command_line.main(["predict", str(scans), "--output", str(tmp_path / "taken"), "--engine", "ray"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{tmp_path}/taken" in line
    assert "cannot be written" in line


@pytest.mark.slow
def test_a_worker_without_a_gpu_is_one_line(scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Ray believes what it is told about GPUs; torch looks."""
    import ray

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    ray.init("local", num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        command = ["predict", str(scans), "--output", str(tmp_path / "out"), "--engine", "ray"]
        assert command_line.main([*command, "--gpus-per-worker", "0.5"]) == 1
    finally:
        ray.shutdown()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("imexseg: --gpus-per-worker: torch finds no GPU where a worker runs")
