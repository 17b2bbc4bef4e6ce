"""How many processes prepare the images of a run, where nobody has said so. It changes how fast, never what is computed."""

import time

from imexseg.data.load.dataset import SegmentationDataset

SAMPLES, SECONDS = 8, 1.0  # that are prepared to see how long it takes, at most
FEW_CORES = 4  # of a process: with fewer, the network needs them all
NOT_WORTH_IT = 5.0  # seconds of preparation an epoch, about what it takes to start processes
MOST = 4


def choose_workers(dataset: SegmentationDataset, n_images: int, cores: int) -> int:
    """0: the process that trains does it itself.

    Args: n_images: of an epoch of this process.  cores: that it may use.
    """
    if cores < FEW_CORES:
        return 0
    per_image = seconds_per_image(dataset)
    if per_image * n_images < NOT_WORTH_IT:
        return 0
    return min(MOST, cores // 2)


def seconds_per_image(dataset: SegmentationDataset) -> float:
    """To read, cut and augment one; once more where it will be kept in memory, since later epochs do not read it again."""
    numbers = range(0, len(dataset), max(1, len(dataset) // SAMPLES))
    if dataset.keeps_all:
        for number in numbers:
            _ = dataset[0, number]
    started = time.perf_counter()
    n_done = 0
    for number in numbers:
        _ = dataset[0, number]
        n_done += 1
        if time.perf_counter() - started > SECONDS:
            break
    return (time.perf_counter() - started) / n_done
