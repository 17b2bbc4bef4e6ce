"""What one implicit solve costs: beside a dense 3×3 convolution, and per pixel as the image grows.

    python benchmarks/solve.py

One thread, forward and backward, interleaved medians: the machine's speed drifts, the ratios of one run do not.
"""

import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from imexseg.numerics import resolvent
from imexseg.numerics.dirichlet import dirichlet_symbol, solve_odd, solve_sine
from imexseg.numerics.reflective import reflective_symbol, solve_cosine, solve_mirrored
from imexseg.numerics.resolvent import resolvent_symbol, solve_matmul, solve_rfft
from imexseg.numerics.stencils import random_stencils, symbol

H = 1.0  # the step size
ROUNDS = 9


def medians(jobs: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Median seconds of each job, one of each in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def forward_and_backward(function: Callable, channels: int, size: int, batch: int, weight: torch.Tensor):
    """A job that applies function(X, weight) and differentiates it in both."""
    X = torch.randn(batch, channels, size, size, requires_grad=True)
    G = torch.randn(batch, channels, size, size)
    weight.requires_grad_()

    def job() -> None:
        X.grad = weight.grad = None
        function(X, weight).backward(G)

    return job


def periodic(solve: Callable) -> Callable:
    return lambda X, B: solve(X, resolvent_symbol(symbol(B, *X.shape[-2:]), H))


def diffusion(solve: Callable, symbol_of: Callable) -> Callable:
    return lambda X, alpha: solve(X, resolvent_symbol(symbol_of(alpha, *X.shape[-2:]), H))


def beside_convolution(channels: int = 64, size: int = 64, batch: int = 8) -> None:
    """Print every implementation as a multiple of a dense 3×3 convolution with as many channels."""
    convolution = torch.randn(channels, channels, 3, 3) / (9 * channels) ** 0.5
    stencils = random_stencils(channels, H)
    alpha = torch.rand(channels, 2)
    jobs = {
        "dense 3x3 convolution": (lambda X, K: F.conv2d(X, K, padding=1), convolution),
        "periodic, rfft": (periodic(solve_rfft), stencils),
        "periodic, matmul": (periodic(solve_matmul), stencils.clone()),
        "zero, matmul (sine)": (diffusion(solve_sine, dirichlet_symbol), alpha),
        "zero, rfft (odd)": (diffusion(solve_odd, dirichlet_symbol), alpha.clone()),
        "reflect, matmul (cosine)": (diffusion(solve_cosine, reflective_symbol), alpha.clone()),
        "reflect, rfft (mirrored)": (diffusion(solve_mirrored, reflective_symbol), alpha.clone()),
    }
    measured = medians({name: forward_and_backward(f, channels, size, batch, w) for name, (f, w) in jobs.items()})
    reference = measured["dense 3x3 convolution"]
    print(f"C={channels}, {size}x{size}, batch {batch}, forward and backward:")
    for name, seconds in measured.items():
        print(f"  {name:26} {1e3 * seconds:7.2f} ms   {seconds / reference:5.2f} of the convolution")


def growth(sizes: tuple[int, ...] = (64, 128, 256, 512), n_values: int = 8 * 64 * 64**2, batch: int = 8) -> None:
    """Print nanoseconds per pixel and channel as the image grows, in cache-sized blocks and over the whole batch.

    As many numbers at every size (fewer channels of larger images): what grows is the work for each, not the memory.
    """
    blocks = resolvent.CACHE_BLOCK_BYTES
    per_pixel: dict[str, list[float]] = {"in blocks": [], "whole batch": []}
    for size in sizes:
        channels = n_values // (batch * size**2)
        job = forward_and_backward(periodic(solve_rfft), channels, size, batch, random_stencils(channels, H))

        def with_blocks(n_bytes: int, job: Callable = job) -> Callable[[], None]:
            def run() -> None:
                resolvent.CACHE_BLOCK_BYTES = n_bytes
                job()

            return run

        measured = medians({"in blocks": with_blocks(blocks), "whole batch": with_blocks(1 << 60)})
        for name, seconds in measured.items():
            per_pixel[name].append(1e9 * seconds / n_values)
    resolvent.CACHE_BLOCK_BYTES = blocks
    print(f"\nns per pixel and channel, {n_values} values, forward and backward:")
    print(f"  {'':12}" + "".join(f"{size:>8}²" for size in sizes) + "   growth")
    for name, values in per_pixel.items():
        print(f"  {name:12}" + "".join(f"{value:9.1f}" for value in values) + f"   {values[-1] / values[0]:6.2f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    beside_convolution()
    growth()
