"""What one implicit solve costs beside a dense 3×3 convolution, on every grid and boundary, and how that grows with the grid.

    python benchmarks/solve.py [--channels 32 64] [--sizes 32 64 128 256 512 1024]

One thread, channels last in memory as in a network, which is the convolution's faster order too; forward and backward with
gradients of the weights, jobs interleaved. Compare ratios: they are the medians over the rounds of one job's time over the
convolution's in the same round. Absolute times vary with what else the machine does; those of the growth are the least of all
rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from imexseg.layers.implicit import SOLVES
from imexseg.numerics.layout import channels_last

CONVOLUTION = "dense 3x3 convolution"
ROUNDS = 9
VALUES = 8 * 64 * 64  # pixels of a batch; larger grids come one at a time


def rounds_of(jobs: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    """Seconds of each job in every round, one of each in turn after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for warm in [True] + [False] * ROUNDS:
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if not warm:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def forward_and_backward(
    function: Callable[[Tensor], Tensor], weight: Tensor, X: Tensor, G: Tensor
) -> Callable[[], None]:
    """A job that applies function(X) and differentiates it in X and the weight."""

    def job() -> None:
        X.grad = weight.grad = None
        function(X).backward(G)

    return job


def jobs_of(channels: int, size: int) -> tuple[dict[str, Callable[[], None]], int]:
    """The convolution and every boundary by both implementations (products on small grids only). Returns: jobs, values of X."""
    batch = max(1, VALUES // size**2)
    X, G = (channels_last(torch.randn(batch, channels, size, size)) for _ in range(2))
    X.requires_grad_()
    kernel = channels_last(torch.randn(channels, channels, 3, 3) / (9 * channels) ** 0.5).requires_grad_()
    jobs = {CONVOLUTION: forward_and_backward(lambda X: F.conv2d(X, kernel, padding=1), kernel, X, G)}
    for boundary, kind in SOLVES.items():
        for implementation in ("fast", "matmul") if size <= 128 else ("fast",):
            solve = kind(channels)
            solve.implementation = implementation
            name = boundary if implementation == "fast" else f"{boundary}, four products"
            jobs[name] = forward_and_backward(solve, solve.weight, X, G)
    return jobs, X.numel()


def print_tables(channels: int, sizes: list[int]) -> None:
    ratios: dict[str, dict[int, float]] = {}
    nanoseconds: dict[str, dict[int, float]] = {}
    for size in sizes:
        jobs, values = jobs_of(channels, size)
        seconds = rounds_of(jobs)
        for name, found in seconds.items():
            pairs = zip(found, seconds[CONVOLUTION], strict=True)
            ratios.setdefault(name, {})[size] = statistics.median(own / other for own, other in pairs)
            nanoseconds.setdefault(name, {})[size] = 1e9 * min(found) / values
    for title, table in (
        (f"of a dense 3×3 convolution, C = {channels}", ratios),
        (f"ns per pixel and channel, C = {channels}", nanoseconds),
    ):
        print(f"\n| {title} | " + " | ".join(f"{size}²" for size in sizes) + " | growth from 64² |")
        print("|---" * (len(sizes) + 2) + "|")
        for name, row in table.items():
            cells = [f"{row[size]:.2f}" if size in row else "" for size in sizes]
            known = 64 in row and sizes[-1] in row and table is nanoseconds
            growth = f"{row[sizes[-1]] / row[64]:.2f}" if known else ""
            print(f"| {name} | " + " | ".join(cells) + f" | {growth} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64, 128, 256, 512, 1024])
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for channels in options.channels:
        print_tables(channels, options.sizes)
