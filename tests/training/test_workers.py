"""Who prepares the images of a run, and what of them is kept, changes how fast it is and nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_runs import parameters, train

from imexseg.data.load import dataset as dataset_module
from imexseg.data.load.dataset import SegmentationDataset
from imexseg.errors import UsageError
from imexseg.training import workers
from imexseg.training.config import resolve
from imexseg.training.fit import look_at_data
from imexseg.training.workers import choose_workers


def test_the_weights_do_not_depend_on_the_number_of_workers(qtips_folder: Path, tmp_path: Path):
    found, said = [], []
    for n, cache in ((0, "1GiB"), (1, "1B"), (3, "20KB")):
        settings = {"augmentation": "strong", "crop": 24, "epochs": 2, "num_workers": n, "cache_memory": cache}
        _, text = train(tmp_path / str(n), qtips_folder, **settings)
        found.append(parameters(tmp_path / str(n)))
        said.append(text)
    for other in found[1:]:
        assert other.keys() == found[0].keys()
        assert all(torch.equal(other[name], tensor) for name, tensor in found[0].items())
    assert "images are prepared where they are used; all stay decoded in memory, 1 MiB (cache_memory 1GiB)" in said[0]
    assert "3 processes prepare images; each keeps decoded ones in up to 1/3 of 20KB (cache_memory)" in said[2]


class Prepared:
    """Data of which an image takes so many seconds."""

    keeps_all = False

    def __init__(self, seconds: float, clock: list[float]):
        self.seconds, self.clock = seconds, clock

    def __len__(self) -> int:
        return 50

    def __getitem__(self, key: tuple[int, int]) -> None:
        self.clock[0] += self.seconds


@pytest.mark.parametrize(
    ("seconds", "cores", "expected"), [(0.5, 2, 0), (0.5, 8, 4), (0.5, 4, 2), (0.5, 64, 4), (0.001, 64, 0)]
)
def test_workers_are_asked_for_where_they_pay(
    seconds: float, cores: int, expected: int, monkeypatch: pytest.MonkeyPatch
):
    clock = [0.0]
    monkeypatch.setattr(workers.time, "perf_counter", lambda: clock[0])
    assert choose_workers(Prepared(seconds, clock), 50, cores) == expected  # type: ignore[arg-type]
    assert clock[0] <= 1.5


def of(folder: Path, cache_bytes: int) -> SegmentationDataset:
    split = look_at_data(folder).train
    return SegmentationDataset(split.pairs, 1, np.dtype(np.uint8), cache_bytes=cache_bytes, sizes=split.sizes)


def test_no_more_is_kept_than_was_allowed(qtips_folder: Path, monkeypatch: pytest.MonkeyPatch):
    reads = []
    read = dataset_module.read_image_and_void
    monkeypatch.setattr(dataset_module, "read_image_and_void", lambda path: reads.append(path) or read(path))
    pair = 2 * 32 * 32  # bytes of an image and its mask
    for allowed, expected in ((0, 32), (5 * pair, 16 + 11), (5 * pair - 1, 16 + 12), (1 << 30, 16)):
        reads.clear()
        data = of(qtips_folder, allowed)
        assert data.decoded_bytes == 16 * pair
        assert data.keeps_all == (expected == 16)
        first = [data[0, number] for number in range(16)]
        again = [data[0, number] for number in range(16)]
        assert len(reads) == expected
        assert all(
            torch.equal(a, b) for one, two in zip(first, again, strict=True) for a, b in zip(one, two, strict=True)
        )


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"cache_memory": "2"}, "--cache-memory: .*'2' is not a size above 0"),
        ({"cache_memory": "-1GB"}, "is not a size above 0"),
        ({"num_workers": -1}, "--num-workers: "),
        ({"num_workers": "many"}, "--num-workers: "),
    ],
)
def test_settings_without_sense_are_refused(flags: dict, expected: str):
    with pytest.raises(UsageError, match=expected):
        resolve(None, flags)
