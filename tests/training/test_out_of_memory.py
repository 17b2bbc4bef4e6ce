"""Too large for the memory: what to change, what is kept, how to go on."""

from pathlib import Path

import pytest
import torch
from tiny_runs import train

from imexseg.errors import JobError
from imexseg.training.task import SegmentationTask

REAL = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"
)
FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    RuntimeError(REAL),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    MemoryError(),
]


def fill_the_memory(patch: pytest.MonkeyPatch, error: Exception, epoch: int) -> None:
    def start(task: SegmentationTask) -> None:
        if task.current_epoch == epoch:
            raise error

    patch.setattr(SegmentationTask, "on_train_epoch_start", start)


@pytest.mark.parametrize("error", FULL)
def test_it_names_what_to_change(error: Exception, qtips_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fill_the_memory(monkeypatch, error, epoch=0)
    with pytest.raises(JobError) as caught:
        train(tmp_path / "run", qtips_folder, batch_size=6, accumulate=2)
    said = str(caught.value)
    assert "out of memory with --batch-size 6, whole images" in said
    assert "--batch-size 3 with --accumulate 4" in said
    assert "--crop 256" in said
    assert "hamiltonian-imex-lean" in said
    assert "no weights yet" in said
    assert "--resume" not in said


def test_what_is_named_can_still_be_changed(qtips_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fill_the_memory(monkeypatch, MemoryError(), epoch=0)
    with pytest.raises(JobError) as caught:
        train(tmp_path / "run", qtips_folder, batch_size=1, crop=16, model="hamiltonian-lean", store_states=True)
    said = str(caught.value)
    assert "--batch-size 1, pieces of 16 x 16 px; try smaller pieces with --crop; or store_states: false." in said


def test_finished_epochs_are_kept(qtips_folder: Path, tmp_path: Path):
    with pytest.MonkeyPatch.context() as patch:
        fill_the_memory(patch, FULL[0], epoch=1)
        with pytest.raises(JobError, match=r"finished epoch is kept: .*--init-weights .*imexseg train --resume .*run"):
            train(tmp_path / "run", qtips_folder, epochs=2)
    trained, _ = train(tmp_path / "run", qtips_folder, epochs=2, resume=True)
    assert [row["epoch"] for row in trained.history] == [1, 2]


def test_other_failures_stay_what_they_are(qtips_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fill_the_memory(monkeypatch, RuntimeError("mat1 and mat2 shapes cannot be multiplied"), epoch=0)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        train(tmp_path / "run", qtips_folder)


def test_a_run_is_resumed_on_a_coarser_level(qtips_folder: Path, tmp_path: Path):
    with pytest.MonkeyPatch.context() as patch:
        fill_the_memory(patch, FULL[0], epoch=1)
        with pytest.raises(JobError, match=r"kept: once memory is free again, .*imexseg train --resume"):
            train(tmp_path / "run", qtips_folder, epochs=2, levels=2)
    assert not (tmp_path / "run/last.ckpt").exists()
    trained, _ = train(tmp_path / "run", qtips_folder, epochs=2, levels=2, resume=True)
    assert [row["epoch"] for row in trained.history] == [1, 2]
