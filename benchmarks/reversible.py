"""What rebuilding the states of a reversible network saves and costs, against ordinary autograd.

    python benchmarks/reversible.py

Prints stored bytes and peak process memory by number of steps, the time of a training step, and the difference of gradients.
One thread; times are medians of interleaved runs: trust their ratio.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from imexseg.layers.dynamics import DYNAMICS, build_flow
from imexseg.layers.flow_settings import FlowSettings
from imexseg.layers.reversible import store_states

REVERSIBLE = [name for name, row in DYNAMICS.items() if row.reversible]
MIB = 2**20


def flow_of(dynamics: str, n_steps: int, dtype: torch.dtype = torch.float32) -> nn.Module:
    torch.manual_seed(0)
    settings = FlowSettings(dynamics, "lean", channels=32, n_steps=n_steps, step_size=2 / n_steps)
    return build_flow(settings).to(dtype).train()


def state(side: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(4, 32, side, side, dtype=dtype, generator=torch.Generator().manual_seed(1))


def stored_bytes(flow: nn.Module, Y: Tensor) -> int:
    """Bytes of distinct tensors that autograd keeps between the passes, parameters not counted."""
    own = {p.untyped_storage().data_ptr() for p in flow.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = flow(Y)
    del out
    return sum(n for pointer, n in kept.items() if pointer not in own)


def train_step(flow: nn.Module, Y: Tensor) -> list[Tensor]:
    """One forward and backward pass. Returns: gradients of all parameters and of the input."""
    flow.zero_grad()
    Y = Y.clone().requires_grad_()
    out = flow(Y)
    (out * torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)).sum().backward()
    return [Y.grad, *(p.grad.clone() for p in flow.parameters())]


def median_times(flow: nn.Module, Y: Tensor, repetitions: int = 9) -> dict[bool, float]:
    """Seconds of a training step by `stored`, interleaved."""
    times: dict[bool, list[float]] = {True: [], False: []}
    for i in range(repetitions + 1):
        for stored in times:
            store_states(flow, stored)
            start = time.perf_counter()
            train_step(flow, Y)
            if i:
                times[stored].append(time.perf_counter() - start)
    return {stored: statistics.median(values) for stored, values in times.items()}


def gradient_difference(dynamics: str, dtype: torch.dtype) -> float:
    flow, Y = flow_of(dynamics, 16, dtype), state(24, dtype)
    store_states(flow, False)
    found = train_step(flow, Y)
    store_states(flow, True)
    expected = train_step(flow, Y)
    squares = sum((a - b).double().square().sum() for a, b in zip(found, expected, strict=True))
    return float((squares / sum(b.double().square().sum() for b in expected)).sqrt())


def peak_memory(dynamics: str, n_steps: int, stored: bool) -> float:
    """MiB that a training step adds to a fresh process's peak."""
    command = [sys.executable, __file__, "--child", dynamics, str(n_steps), str(int(stored))]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def child(dynamics: str, n_steps: int, stored: bool) -> None:

    torch.set_num_threads(1)
    flow, Y = flow_of(dynamics, n_steps), state(96)
    store_states(flow, stored)
    train_step(flow, state(8))
    before = own_peak()
    train_step(flow, Y)
    print(own_peak() - before)


def own_peak() -> float:
    """MiB. Not getrusage: its peak is inherited from the process that started this one."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], int(options.child[1]), bool(int(options.child[2])))
        return
    torch.set_num_threads(1)
    print(
        "| dynamics | stored MiB, 4 → 64 steps | ordinary, 64 | peak MiB, 4 → 64 | ordinary, 64 | time | ∇ float32 | ∇ float64 |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for dynamics in REVERSIBLE:
        stored = {}
        for n_steps, ordinary in ((4, False), (64, False), (64, True)):
            flow = flow_of(dynamics, n_steps)
            store_states(flow, ordinary)
            stored[n_steps, ordinary] = stored_bytes(flow, state(64)) / MIB
        peaks = {key: peak_memory(dynamics, *key) for key in stored}
        times = median_times(flow_of(dynamics, 16), state(64))
        differences = [gradient_difference(dynamics, dtype) for dtype in (torch.float32, torch.float64)]
        cells = [
            f"`{dynamics}`",
            f"{stored[4, False]:.2f} → {stored[64, False]:.2f}",
            f"{stored[64, True]:.0f}",
            f"{peaks[4, False]:.0f} → {peaks[64, False]:.0f}",
            f"{peaks[64, True]:.0f}",
            f"{times[False] / times[True]:.2f}",
            *(f"{value:.0e}" for value in differences),
        ]
        print("| " + " | ".join(cells) + " |", flush=True)
    print(
        "\n32 channels, lean, batch of 4; 64² stored and timed (16 steps), 96² peak. time: rebuilding over ordinary autograd."
    )


if __name__ == "__main__":
    main()
