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


class Pool:
    """Args: setup: what each worker opens; None: nothing, to check files.  number: of workers.  gpus: for each of them."""

    def __init__(self, setup: Setup | None, number: int, gpus: float = 0.0) -> None:
        import ray

        options: dict[str, Any] = {"num_cpus": 1, "num_gpus": gpus, "max_restarts": -1, "max_task_retries": RETRIES}
        kind = ray.remote(Worker).options(max_concurrency=AT_ONCE, **options)
        reference = ray.put(setup)  # once, whatever the number of workers
        self.actors: list[Any] = [kind.remote(reference) for _ in range(number)]
        with _errors_of_workers():
            ray.get([actor.ready.remote() for actor in self.actors])

    def each(self, method: str, tasks: Sequence[Any], *shared: Any) -> Generator[tuple[int, Any], None, None]:
        """Number of the task and the worker's answer, as they come. Those whose workers die again and again have none.

        Raises: ImexsegError as the worker did.
        """
        import ray
        from ray.util import ActorPool

        handed = [ray.put(value) for value in shared]
        pool = ActorPool(self.actors * AT_ONCE)
        for item in enumerate(tasks):
            pool.submit(lambda actor, item: getattr(actor, method).remote(*item, *handed), item)
        while pool.has_next():
            with _errors_of_workers():
                try:
                    answer = pool.get_next_unordered()
                except ray.exceptions.RayActorError:
                    continue  # its death, which the restart did not help
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
    """Workers that fit on the nodes as they are: one needs a core, and its share of a GPU on the same node."""
    from ray._private.state import available_resources_per_node

    room = 0
    for free in available_resources_per_node().values():
        cores = int(free.get("CPU", 0))
        room += min(cores, int(free.get("GPU", 0) / gpus + 1e-9)) if gpus else cores
    return room


@contextmanager
def _errors_of_workers() -> Iterator[None]:
    """What a worker raised, as if it had been raised here. Raises: ImexsegError."""
    from ray.exceptions import GetTimeoutError, RayActorError, RayError, RayTaskError

    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, ImexsegError):
            raise error.cause from None
        raise JobError(f"--engine ray: a worker failed ({_last_line(error)})") from None
    except RayActorError as error:
        remedy = "install the same imexseg on every machine of the cluster"
        raise JobError(f"--engine ray: a worker does not start ({_last_line(error)}); {remedy}") from None
    except (GetTimeoutError, RayError) as error:
        raise JobError(f"--engine ray: {_last_line(error)}") from None


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
