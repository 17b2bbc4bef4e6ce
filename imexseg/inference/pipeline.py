"""Many images through one network, side by side: reading, the network, and writing what it says.

    files ─→ bundles ─→ lanes, one a core:  open → network → encode → .part files ─→ one thread:  to the disk → rename
                        └───────────── an image stays with its lane ────────────┘    all that wait, in one round

A bundle is one image, or a few small ones in a row: those of equal size share one call of the network, which is faster in torch.
Which images share it depends on their files alone, and results come in the order of the images, so that nothing depends on
which lane was faster.

Each lane computes with one thread: for small images two cores do more as two lanes than as two threads of one, and threads
that wait for each other suffer when other programs use the machine. An image of more than ALONE pixels has the network to
itself, with all cores. So memory holds no more than one image a lane, and no more than one large one is inside the network.

Libraries hold Python's lock only between their calls, so lanes are threads. An interrupt ends each lane at its next image;
what is encoded by then still appears, whole.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from imexseg.errors import ImexsegError
from imexseg.inference.appearing import AppearingFiles
from imexseg.inference.areas import Areas
from imexseg.inference.cores import usable_cores
from imexseg.inference.image_files import Opened, Wanted, beside, open_whole, results
from imexseg.inference.open import SharedPredictor

MOST_LANES = 8  # more of them would wait for Python's lock
ALONE = 1 << 20  # pixels: a larger image has the network to itself
CALL_PIXELS = 1 << 15  # of all images that share a call of the network: eight of 64 x 64
BUNDLE_IMAGES, BUNDLE_BYTES = 8, 1 << 16  # how many images, and bytes of their files, are one bundle
AHEAD = 4  # bundles that are begun while the disk is at work

T = TypeVar("T")
Alone = Callable[[int, int], bool]


@dataclass(frozen=True)
class Job:
    """target: folder and stem of the results of an image."""

    path: Path
    target: Path


@dataclass(frozen=True)
class Result:
    """error: why an image has no files, in words; else its areas, and what a person should know of it."""

    job: Job
    error: str | None = None
    areas: Areas | None = None
    remarks: list[str] = field(default_factory=list)


def predict_images(
    predictor: SharedPredictor,
    jobs: Sequence[Job],
    wanted: Wanted,
    cores: int | None = None,
    alone: "Alone | None" = None,
) -> Generator[Result, None, None]:
    """One result an image, in their order, each once its files are there. Close it (contextlib.closing) to end early.

    Args: cores: how many to use; None: all that the process may.  alone: (height, width) ↦ whether such an image
        has the network to itself; None: from a megapixel on.
    Raises: WriteError if a file cannot be written: it would be the same for the next image.
    """
    waiting = deque(bundles(jobs, lambda job: file_size(job.path)))
    n_lanes = lanes(cores, len(waiting))
    one_thread = predictor.threads(1) if n_lanes > 1 else nullcontext()
    with one_thread, AppearingFiles() as files, _Lanes(predictor, wanted, n_lanes, files, alone or is_large) as pool:
        running: deque[Future] = deque()
        while waiting or running:
            while waiting and len(running) < n_lanes + AHEAD:
                running.append(pool.start(waiting.popleft()))
            done, appeared = running.popleft().result()
            appeared.result()
            yield from done


def is_large(height: int, width: int) -> bool:
    """Of an image that is worth all cores."""
    return height * width > ALONE


def lanes(cores: int | None, n_bundles: int) -> int:
    """How many images are in work at once."""
    return max(1, min(cores or usable_cores(), MOST_LANES, n_bundles))


def bundles(jobs: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Neighbours whose files are small; others one by one. Args: size: of the file of a job, in bytes."""
    bundle: list[T] = []
    n_bytes = 0
    for job in jobs:
        n_more = size(job)
        if bundle and (len(bundle) == BUNDLE_IMAGES or n_bytes + n_more > BUNDLE_BYTES):
            yield bundle
            bundle, n_bytes = [], 0
        bundle.append(job)
        n_bytes += n_more
    if bundle:
        yield bundle


def file_size(path: Path) -> int:
    """In bytes; 0 if there is none to be had."""
    try:
        return path.stat().st_size
    except OSError:  # whoever opens it explains that
        return 0


class _Lanes:
    """Threads that take images from their files to those of the results."""

    def __init__(self, predictor: SharedPredictor, wanted: Wanted, number: int, files: AppearingFiles, alone: Alone):
        self.predictor = predictor
        self.wanted = wanted
        self.number = number
        self.files = files
        self.alone = alone
        self.pool = ThreadPoolExecutor(number, "lane")
        self.ending = threading.Event()
        self.room = threading.Semaphore(number)  # inside the network
        self.turn = threading.Lock()  # nobody overtakes who waits for all of the room

    def __enter__(self) -> "_Lanes":
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self.pool.shutdown(wait=True, cancel_futures=True)

    def start(self, bundle: list[Job]) -> Future:
        """Of a list of results, and the future of the appearance of their files."""
        return self.pool.submit(self._run, bundle)

    def _run(self, bundle: list[Job]) -> tuple[list[Result], Future]:
        found: list[Result] = []
        alike: list[tuple[Job, Opened]] = []
        for job in bundle:
            if self.ending.is_set():
                break
            try:
                opened = open_whole(job.path, self.predictor, self.wanted.white)
            except ImexsegError as error:
                found.append(Result(job, error=str(error)))
                continue
            if alike and not _may_share(alike[0][1].pixels, opened.pixels, len(alike) + 1):
                found += self._segment(alike)
                alike = []
            alike.append((job, opened))
        found += self._segment(alike)
        return sorted(found, key=lambda result: bundle.index(result.job)), self.files.appear()

    def _segment(self, alike: list[tuple[Job, Opened]]) -> list[Result]:
        """Images of one size, in one call. What fails in company is tried by itself."""
        if not alike or self.ending.is_set():
            return []
        pixels, path = [opened.pixels for _, opened in alike], alike[0][0].path
        probabilities: list[np.ndarray | None] = [None] * len(alike)
        try:
            with self._room_for(pixels[0]):
                if self.wanted.probabilities or self.wanted.confidence:
                    predictions = [self.predictor.segment(image, path) for image in pixels]
                    classes = [prediction.classes for prediction in predictions]
                    probabilities = [prediction.probabilities for prediction in predictions]
                else:
                    classes = self.predictor.classes_batch(pixels, path)
        except ImexsegError as error:
            if len(alike) > 1:
                return [result for one in alike for result in self._segment([one])]
            return [Result(alike[0][0], error=str(error))]
        said = zip(alike, classes, probabilities, strict=True)
        return [self._write(*one, numbers, shares) for one, numbers, shares in said]

    def _write(self, job: Job, opened: Opened, classes: np.ndarray, probabilities: np.ndarray | None) -> Result:
        contents, areas, lost = results(opened, classes, probabilities, self.predictor.info, self.wanted)
        self.files.write({beside(job.target, ending): content for ending, content in contents.items()})
        return Result(job, areas=areas, remarks=opened.remarks if lost is None else [*opened.remarks, lost])

    @contextmanager
    def _room_for(self, pixels: np.ndarray) -> Iterator[None]:
        """Inside the network: one place, or all of them with all cores for a large image."""
        alone = self.alone(pixels.shape[0], pixels.shape[1])
        places = self.number if alone else 1
        with self.turn:
            for _ in range(places):
                self.room.acquire()
        try:
            with self.predictor.threads(None) if alone else nullcontext():
                yield
        finally:
            self.room.release(places)


def _may_share(first: np.ndarray, another: np.ndarray, number: int) -> bool:
    """Whether so many images may be one call."""
    if first.shape != another.shape or first.dtype != another.dtype:
        return False
    return number * first.shape[0] * first.shape[1] <= CALL_PIXELS
