"""Work of which the next pieces are prepared while one is in use, and not more than a few are held at a time."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
P = TypeVar("P")


def in_turn(
    items: Iterable[T], prepare: Callable[[T], P], release: Callable[[T], None], ahead: int
) -> Generator[tuple[T, P], None, None]:
    """Each item with what prepare made of it, in their order; released when the next one is asked for.

    Args: ahead: how many are prepared or in use at once, each by a thread of its own.
    Raises: what prepare raises, in the turn of that item; all that were prepared are released, however it ends.
    """
    source = iter(items)
    waiting: deque[tuple[T, Future[P]]] = deque()
    with ThreadPoolExecutor(ahead, "ahead") as pool:
        try:
            while True:
                while len(waiting) < ahead:
                    try:
                        item = next(source)
                    except StopIteration:
                        break
                    waiting.append((item, pool.submit(prepare, item)))
                if not waiting:
                    return
                item, future = waiting[0]
                yield item, future.result()
                release(waiting.popleft()[0])
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for item, prepared in waiting:
                if not prepared.cancelled():
                    with suppress(OSError):
                        release(item)
