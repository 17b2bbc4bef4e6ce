"""A pool of Ray actors, one network each. Ray places them, restarts one that dies and gives its task to it again.

Actors rather than Ray Data: what moves is names and small results, never pixels, so a data set of Arrow tables would only wrap
them; and an actor keeps its network from one task to the next, and across a restart is made anew by Ray itself.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from imexseg.distributed.cluster import connected
from imexseg.distributed.worker import Setup, Worker
from imexseg.errors import ImexsegError, JobError, UsageError

AT_ONCE = 2  # tasks of a worker: files of one are on their way while the other has the network
RETRIES = 2  # of a task whose worker died
START = 180.0  # seconds for a worker to find a place and import torch; those that take longer are done without


class Pool:
    """Args: setup: what each worker opens; None: nothing, to check files.  number: of workers.  gpus: for each of them."""

    def __init__(self, setup: Setup | None, number: int, gpus: float = 0.0) -> None:
        import ray

        options: dict[str, Any] = {"num_cpus": 1, "num_gpus": gpus, "max_restarts": -1, "max_task_retries": RETRIES}
        kind = ray.remote(Worker).options(max_concurrency=AT_ONCE, **options)
        # Sent once, whatever the number of workers, and not as an argument of theirs: Ray would not keep it for a restart.
        self.setup = [] if setup is None else [ray.put(setup)]
        self.actors: list[Any] = [kind.remote() for _ in range(number)]
        self.recover(START)

    def recover(self, seconds: float | None = None) -> None:
        """Wait for those that start, or start anew; give up those that cannot, or find no place within so many seconds.

        Raises: UsageError if the weights cannot be opened; JobError if no worker is left.
        """
        import ray

        answers = {actor.ready.remote(self.setup): actor for actor in self.actors}
        ready, late = ray.wait(list(answers), num_returns=len(answers), timeout=seconds)
        for answer in late:
            ray.kill(answers[answer])
        self.actors, reason = [], f"none found a place within {seconds:g} s" if late else ""
        for answer in ready:
            try:
                with _errors_of_workers():
                    ray.get(answer)
                self.actors.append(answers[answer])
            except WorkerDied as error:
                reason = str(error)
        if not self.actors:
            raise JobError(f"--engine ray: no worker starts ({reason}); the machines need room and the same imexseg")

    def each(self, method: str, tasks: Sequence[Any], *shared: Any) -> Generator[tuple[int, Any], None, None]:
        """Number of the task and the worker's answer, as they come. Those whose workers die again and again have none.

        Raises: ImexsegError as the worker did.
        """
        import ray
        from ray.util import ActorPool

        handed = [ray.put(value) for value in shared]
        pool = ActorPool(self.actors * AT_ONCE)
        for item in enumerate(tasks):
            pool.submit(lambda actor, item: getattr(actor, method).remote(self.setup, *item, *handed), item)
        while pool.has_next():
            try:
                with _errors_of_workers():
                    answer = pool.get_next_unordered()
            except WorkerDied:
                continue  # and died again where it was tried again
            yield answer

    def close(self) -> None:
        import ray

        for actor in self.actors:
            ray.kill(actor)


@contextmanager
def opened(
    address: str | None, setup: Setup | None, n_tasks: int, workers: int | None, gpus: float = 0.0
) -> Iterator[Pool]:
    """A pool of so many workers as the cluster has free cores or shares of GPUs, but not more than tasks.

    Raises: UsageError for more workers than it can hold; JobError if it has room for none, or they do not start.
    """
    with connected(address, workers):
        room = _room(gpus)
        where = f"the cluster at {address}" if address else "this machine"
        what = f"{gpus:g} GPUs and a core" if gpus else "a core"
        if room < 1:
            raise JobError(f"--engine ray: {where} has no room for a worker of {what}; wait until some is free")
        if workers is not None and workers > room:
            raise UsageError(f"--workers {workers}: {where} has room for {room} of {what} each; give fewer")
        pool = Pool(setup, max(1, min(workers or room, n_tasks)), gpus)
        try:
            yield pool
        finally:
            pool.close()


def _room(gpus: float) -> int:
    """Workers that fit on the nodes as they are: one needs a core, and its share of one GPU, or several whole ones."""
    import ray

    free = ray.available_resources()
    cores, of_gpus = int(free.get("CPU", 0)), free.get("GPU", 0.0)
    if not gpus:
        return cores
    return min(cores, int(of_gpus) * int(1 / gpus + 1e-9) if gpus < 1 else int(of_gpus / gpus))


class WorkerDied(Exception):
    """Not by an error of its own: it was killed, or its machine went away."""


@contextmanager
def _errors_of_workers() -> Iterator[None]:
    """What a worker raised, as if it had been raised here. Raises: ImexsegError, WorkerDied."""
    from ray.exceptions import RayError, RayTaskError

    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, ImexsegError):
            raise error.cause from None
        raise JobError(f"--engine ray: a worker failed ({_last_line(error)})") from None
    except RayError as error:
        raise WorkerDied(_last_line(error)) from None


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
