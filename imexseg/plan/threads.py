"""With how many threads torch is fastest on this machine, as busy as it is now: threads that wait for each other on cores that
other programs use can be ten times slower than one."""

from time import perf_counter

import torch
import torch.nn.functional as F

SECONDS = 0.5  # of measuring each number


def fastest_threads() -> int:
    """One, or as many as torch would take by itself, which stays set if it is no slower."""
    usual = torch.get_num_threads()
    if usual == 1 or torch.cuda.is_available():
        return usual
    rates: dict[int, float] = {}
    for number in (usual, 1, usual, 1):  # twice, since the load changes
        torch.set_num_threads(number)
        rates[number] = max(rates.get(number, 0.0), _rate())
    best = usual if rates[usual] >= rates[1] else 1
    torch.set_num_threads(best)
    return best


def _rate() -> float:
    """Convolutions a second, of the kind that networks consist of."""
    image, dense = torch.rand(8, 32, 48, 48), torch.rand(32, 32, 3, 3)
    done = 0
    with torch.no_grad():
        F.conv2d(image, dense)
        begun = perf_counter()
        while perf_counter() - begun < SECONDS / 2 or not done:
            F.conv2d(torch.relu(image), dense, padding=1)
            done += 1
    return done / (perf_counter() - begun)
