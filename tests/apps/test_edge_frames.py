"""The queue between a source and a network that is slower."""

import threading
import time

import numpy as np
import pytest

from imexseg.edge.frames import Frame, FrameQueue
from imexseg.edge.run import Reader

PIXELS = np.zeros((4, 4, 1), dtype=np.uint8)


def drain(queue: FrameQueue, seconds_per_frame: float = 0.0) -> list[str]:
    names = []
    while not queue.finished:
        frame = queue.get(1)
        if frame is not None:
            names.append(frame.name)
            time.sleep(seconds_per_frame)
    return names


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_full_queue_drops_the_oldest_and_counts_them(size: int):
    queue = FrameQueue(size)
    for number in range(100):
        assert queue.put(Frame(str(number), PIXELS))
    queue.close()
    assert drain(queue) == [str(number) for number in range(100 - size, 100)]
    assert queue.n_dropped == 100 - size


def test_a_slow_network_never_lets_memory_grow():
    """Of 400 frames of 1 MB that come at once, no more than a handful is ever alive."""
    alive = 0
    most = 0
    lock = threading.Lock()

    class Counted(np.ndarray):
        def __del__(self):
            nonlocal alive
            with lock:
                alive -= 1

    def frames():
        nonlocal alive, most
        for number in range(400):
            with lock:
                alive += 1
                most = max(most, alive)
            yield Frame(str(number), np.ndarray.__new__(Counted, (1_000_000,), dtype=np.uint8))
            time.sleep(0.0005)

    queue = FrameQueue(2)
    reader = Reader(frames(), queue)
    reader.start()
    seen = drain(queue, seconds_per_frame=0.02)
    reader.join()
    assert len(seen) + queue.n_dropped == 400
    assert queue.n_dropped > 200
    assert most <= 6


def test_with_every_frame_the_source_waits():
    queue = FrameQueue(2, every_frame=True)
    Reader((Frame(str(number), PIXELS) for number in range(50)), queue).start()
    assert drain(queue, seconds_per_frame=0.001) == [str(number) for number in range(50)]
    assert queue.n_dropped == 0


def test_closing_lets_a_waiting_source_go():
    queue = FrameQueue(1, every_frame=True)
    endless = (Frame(str(number), PIXELS) for number in iter(int, 1))
    reader = Reader(endless, queue)
    reader.start()
    queue.get(1)
    queue.close()
    reader.join(5)
    assert not reader.is_alive()


def test_an_error_of_the_source_is_kept_and_ends_the_queue():
    def broken():
        yield Frame("first", PIXELS)
        raise OSError("unplugged")

    queue = FrameQueue(2)
    reader = Reader(broken(), queue)
    reader.start()
    assert drain(queue) == ["first"]
    assert str(reader.error) == "unplugged"
