"""Images and results that may lie elsewhere: whole files are copied here, segmented as local ones are, and sent whole.

    groups of images ─→ fetch, into a folder of the group ─→ segment ─→ send, remove
                        └──── the next group meanwhile ────┘           └─ the one before meanwhile

A group is a few whole bundles of the pipeline, so that the same images share a call of the network wherever they come from, and
masks are the same byte for byte. No more than four groups lie in the temporary folder at a time.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imexseg.errors import ImexsegError
from imexseg.inference.areas import Areas
from imexseg.inference.image_files import Wanted, always_written, is_done
from imexseg.inference.pipeline import BUNDLE_BYTES, Job, Result, bundles, file_size
from imexseg.storage.in_turn import in_turn
from imexseg.storage.places import Place, Url, beside
from imexseg.storage.remote import fetch, put
from imexseg.storage.scratch import scratch_folder

GROUP_IMAGES, GROUP_BYTES = 32, 256 << 20  # of one group, or one bundle if that is more
TRANSFERS = 8  # files on their way at once, in each direction

Segment = Callable[[Sequence[Job]], Iterable[Result]]


@dataclass(frozen=True)
class PlacedJob:
    """number: its place among all.  target: folder and stem of the results.  size: of the file in bytes; None: not known."""

    number: int
    path: Place
    target: Place
    size: int | None = None

    @property
    def is_local(self) -> bool:
        return isinstance(self.path, Path) and isinstance(self.target, Path)


@dataclass(frozen=True)
class PlacedResult:
    """error: why an image has no files, in words; else its areas, what a person should know, and how tiles and whole differ."""

    job: PlacedJob
    error: str | None = None
    areas: Areas | None = None
    remarks: list[str] = field(default_factory=list)
    disagreement: Any = None


def predict_here(segment: Segment, jobs: Sequence[PlacedJob]) -> Generator[PlacedResult, None, None]:
    """On this machine. Results come in the order of the jobs, each once its files are there.

    Args: segment: predict_images or predict_images_tiled, with all but the jobs.
    Raises: WriteError if a file cannot be written.
    """
    if not all(job.is_local for job in jobs):
        yield from predict_groups(segment, groups(jobs))
        return
    known = {Job(Path(job.path), Path(job.target)): job for job in jobs}  # type: ignore[arg-type]
    for result in segment(list(known)):
        yield _placed(result, known[result.job], {})


def groups(jobs: Sequence[PlacedJob], most: int = GROUP_IMAGES) -> Iterator[list[PlacedJob]]:
    """Whole bundles in a row. Args: most: images of one group, unless one bundle has more."""
    group: list[PlacedJob] = []
    n_bytes = 0
    for bundle in bundles(jobs, _size):
        n_more = sum(map(_size, bundle))
        if group and (len(group) + len(bundle) > most or n_bytes + n_more > GROUP_BYTES):
            yield group
            group, n_bytes = [], 0
        group += bundle
        n_bytes += n_more
    if group:
        yield group


def predict_groups(segment: Segment, wanted: Iterable[list[PlacedJob]]) -> Generator[PlacedResult, None, None]:
    """As predict_here, group by group; places of both kinds may be mixed. Raises: WriteError."""
    with (
        scratch_folder() as scratch,
        ThreadPoolExecutor(TRANSFERS, "fetch") as fetching,
        ThreadPoolExecutor(TRANSFERS, "send") as sending,
    ):
        here = (_Group(group, scratch / str(number), fetching) for number, group in enumerate(wanted))
        before: list[tuple[PlacedResult, Future[None] | None]] = []
        try:
            with closing(in_turn(here, _Group.fetch, _Group.remove, ahead=2)) as fetched:
                for group, _ in fetched:
                    sent = [(result, group.send(result, sending)) for result in group.segment(segment)]
                    yield from _sent(before)
                    before = sent
            yield from _sent(before)
        finally:
            for pool in (fetching, sending):
                pool.shutdown(cancel_futures=True)


def _sent(waiting: list[tuple[PlacedResult, Future[None] | None]]) -> Iterator[PlacedResult]:
    for result, future in waiting:
        if future is not None:
            future.result()
        yield result


class _Group:
    """Images with the local files that stand for them."""

    def __init__(self, jobs: list[PlacedJob], folder: Path, fetching: ThreadPoolExecutor):
        self.jobs = jobs
        self.folder = folder
        self.fetching = fetching
        self.missing: dict[PlacedJob, str] = {}

    def local(self, job: PlacedJob) -> Job:
        """Where the image is read from, and its results are written to."""
        path = self.folder / "in" / str(job.number) / job.path.name if isinstance(job.path, Url) else job.path
        target = self.folder / "out" / str(job.number) / "result" if isinstance(job.target, Url) else job.target
        return Job(path, target)

    def fetch(self) -> None:
        remote = [job for job in self.jobs if isinstance(job.path, Url)]
        for job, error in zip(remote, self.fetching.map(self._fetch, remote), strict=True):
            if error is not None:
                self.missing[job] = error

    def _fetch(self, job: PlacedJob) -> str | None:
        assert isinstance(job.path, Url)
        try:
            path = self.local(job).path
            path.parent.mkdir(parents=True, exist_ok=True)
            fetch(job.path, path)
        except ImexsegError as error:
            return str(error)
        return None

    def segment(self, segment: Segment) -> Iterator[PlacedResult]:
        """Those that could not be fetched fail as files do that cannot be read, but for the reason that is known."""
        known = {self.local(job): job for job in self.jobs}
        for result in segment(list(known)):
            yield _placed(result, known[result.job], self.missing)

    def send(self, result: PlacedResult, sending: ThreadPoolExecutor) -> Future[None] | None:
        if result.error is not None or not isinstance(result.job.target, Url):
            return None
        return sending.submit(_send, self.local(result.job).target.parent, result.job.target)

    def remove(self) -> None:
        """The images; results go as they are sent."""
        for job in self.jobs:
            if isinstance(job.path, Url):
                self.local(job).path.unlink(missing_ok=True)


def _send(folder: Path, target: Url) -> None:
    """The overlay last: where it is, everything is."""
    for file in sorted(folder.iterdir(), key=lambda file: file.name.endswith("_overlay.png")):
        put(file, target.with_name(target.name + file.name.removeprefix("result")))
        file.unlink()
    with suppress(OSError):
        folder.rmdir()


def _placed(result: Result, job: PlacedJob, missing: dict[PlacedJob, str]) -> PlacedResult:
    """In words that name the places a person knows."""

    def named(text: str) -> str:
        for local, place in ((result.job.path, job.path), (result.job.target, job.target)):
            text = text.replace(str(local), str(place)) if isinstance(place, Url) else text
        return text

    error = missing.get(job) or (named(result.error) if result.error is not None else None)
    remarks = [named(remark) for remark in result.remarks]
    return PlacedResult(job, error, result.areas, remarks, getattr(result, "disagreement", None))


def _size(job: PlacedJob) -> int:
    """What is not told counts as large, so that it shares nothing with its neighbours."""
    if job.size is not None:
        return job.size
    if isinstance(job.path, Url):
        return BUNDLE_BYTES + 1
    return file_size(job.path)


def is_done_at(
    job: PlacedJob,
    wanted: Wanted,
    tiled: bool,
    there: Callable[[Place], bool] = lambda place: place.exists(),  # type: ignore[union-attr]
) -> bool:
    """Whether every file is there that would be written. Args: there: of a file that lies elsewhere."""
    if isinstance(job.path, Path) and isinstance(job.target, Path):
        return is_done(job.path, job.target, wanted, tiled)
    if not all(there(beside(job.target, ending)) for ending in always_written(wanted, tiled)):
        return False
    kinds = ["_mask", *["_confidence"] * wanted.confidence]
    suffixes = [".png", *[".tif"] * tiled]
    return all(any(there(beside(job.target, f"{kind}{suffix}")) for suffix in suffixes) for kind in kinds)
