"""What all tests share."""

import os

# Two pytest workers with two OpenMP threads each would fight over two cores. Children of the tests inherit this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import processes
import pytest
import torch
from hypothesis import settings

from imexseg.data_gen import write_dataset

torch.set_num_threads(1)
settings.register_profile("project", deadline=None, derandomize=True, max_examples=12)
settings.load_profile("project")


@pytest.fixture(scope="session")
def qtips_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set of Q-tips; read only."""
    folder = tmp_path_factory.mktemp("qtips") / "data"
    write_dataset(folder, "authors", 32, {"train": 16, "val": 5, "test": 3}, seed=7)
    return folder


@pytest.fixture(scope="session")
def imexseg_cli():
    return processes.run


@pytest.fixture(scope="session")
def trained_run(qtips_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of two epochs; read only."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    done = processes.run("train", qtips_folder, "--epochs", 2, "--batch-size", 4, "--seed", 3, "--output", folder)
    assert done.returncode == 0, done.stderr
    return folder
