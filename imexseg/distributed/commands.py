"""predict, evaluate and check on a pool of workers: the same answers as on one machine, in whichever order they come."""

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from imexseg.data.check.scan import Read
from imexseg.data.description.data_yaml import DataDescription
from imexseg.data.pairs.pairs import Pair
from imexseg.distributed.pool import Pool
from imexseg.errors import JobError
from imexseg.evaluation.evaluate import BLOCK, Counted, Measures, Perturb
from imexseg.inference.image_files import Wanted
from imexseg.inference.placed import GROUP_IMAGES, PlacedJob, PlacedResult, groups
from imexseg.storage.mirror import Mirror

SHARE = 8  # groups a worker, so that none waits long for the last
CHECKED_AT_ONCE = 32  # pairs
DIED = "its worker died again and again, mostly for want of memory"


def predict_on(pool: Pool, jobs: Sequence[PlacedJob], wanted: Wanted) -> Generator[PlacedResult, None, None]:
    """One result an image, as they come. What fails in company, by the death of its worker, is tried by itself.

    Raises: WriteError if a file cannot be written.
    """
    rest = [_absolute(job) for job in jobs]
    known = {job.number: job for job in jobs}
    most = max(1, min(GROUP_IMAGES, len(rest) // (SHARE * len(pool.actors))))
    for tasks in (list(groups(rest, most)), None):
        for _, results in pool.each("predict", [[job] for job in rest] if tasks is None else tasks, wanted):
            for result in results:
                if (job := known.pop(result.job.number, None)) is not None:
                    yield _as_given(result, job)
        rest = [job for job in rest if job.number in known]
        if not rest:
            return
        pool.recover()
    for job in known.values():
        yield PlacedResult(job, f"{job.path}: {DIED}; use a smaller --max-memory, or fewer --workers on a machine")


def evaluate_on(
    pool: Pool,
    pairs: Sequence[Pair],
    description: DataDescription,
    perturb: Perturb | None,
    mirror: Mirror | None,
    measures: Measures,
) -> Iterator[Counted]:
    """What every pair contributes, in their order. Raises: UsageError for files that are missing or do not fit."""
    blocks = [(first, list(pairs[first : first + BLOCK])) for first in range(0, len(pairs), BLOCK)]
    return _in_order(pool, "evaluate", blocks, description, perturb, mirror, measures)


def check_on(pool: Pool, pairs: Sequence[Pair], description: DataDescription, mirror: Mirror | None) -> Iterator[Read]:
    """What was found in each pair, in their order."""
    size = max(1, min(CHECKED_AT_ONCE, len(pairs) // (SHARE * len(pool.actors))))
    tasks = [list(pairs[first : first + size]) for first in range(0, len(pairs), size)]
    return _in_order(pool, "check", tasks, description, mirror)


def _in_order(pool: Pool, method: str, tasks: Sequence, *shared: object) -> Iterator:
    """What the tasks found, each once all before it are there."""
    early: dict[int, list] = {}
    number = 0
    for arrived, found in pool.each(method, tasks, *shared):
        early[arrived] = found
        while number in early:
            yield from early.pop(number)
            number += 1
    if number < len(tasks):
        raise JobError(f"--engine ray: a part of the data has no answer: {DIED}; use fewer --workers on a machine")


def _absolute(job: PlacedJob) -> PlacedJob:
    """Workers have a folder of their own."""
    path, target = (place.absolute() if isinstance(place, Path) else place for place in (job.path, job.target))
    return PlacedJob(job.number, path, target, job.size)


def _as_given(result: PlacedResult, job: PlacedJob) -> PlacedResult:
    """In the words of the command line."""
    error = result.error and result.error.replace(str(result.job.path), str(job.path))
    return PlacedResult(job, error, result.areas, result.remarks, result.disagreement)
