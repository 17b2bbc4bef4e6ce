"""Where the time of a training step goes: python -m benchmarks.training_profile

One thread; shares of one run. Steps only: reading, augmentation and validation come on top (4 % and 3 % of an epoch of
`make demo`, by cProfile).
"""

import argparse

import torch
import torch.nn.functional as F
from torch.profiler import ProfilerActivity, profile

from imexseg.models.build import build_network, model_config

STEPS = 10
# What is shown ↦ the names of the operations that it is made of, as torch's profiler calls them. Each includes what it calls.
PARTS = {
    "solves, forward": ("_Swept",),
    "solves, backward": ("_SweptBackward",),
    "depthwise stencils": (
        "_StencilProduct",
        "_StencilProductAdjoint",
        "_StencilProductBackward",
        "_StencilProductAdjointBackward",
    ),
    "products that couple channels": ("aten::mm",),
    "batch normalisation": ("aten::native_batch_norm", "aten::native_batch_norm_backward"),
    "optimiser": ("Optimizer.step#AdamW.step",),
}
CASES = {  # network, channels of the image, classes, batch, (height, width)
    "imex-lean on Q-tips": ("imex-lean", 1, 4, 8, (64, 64)),
    "imex-residual-lean-photo-tiny on photographs": ("imex-residual-lean-photo-tiny", 3, 12, 8, (240, 320)),
}


def milliseconds(case: str) -> dict[str, float]:
    """Of a step, by part; "all" is the whole of it."""
    model, channels, classes, batch, size = CASES[case]
    torch.manual_seed(0)
    scale = {"mean": (128.0,) * channels, "std": (64.0,) * channels}
    network = build_network(model_config(model, in_channels=channels, num_classes=classes, **scale)).train()
    images = torch.randint(0, 255, (batch, channels, *size)).float()
    masks = torch.randint(0, classes, (batch, *size))
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3)

    def step() -> None:
        optimiser.zero_grad()
        F.cross_entropy(network(images), masks).backward()
        optimiser.step()

    for _ in range(3):
        step()
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(STEPS):
            step()
    events = profiled.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    found = {part: sum(event.cpu_time_total for event in events if event.key in keys) for part, keys in PARTS.items()}
    found["opening, classifier, loss, activations and sums"] = total - sum(found.values())
    return {part: microseconds / 1000 / STEPS for part, microseconds in (found | {"all": total}).items()}


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    torch.set_num_threads(1)
    times = {case: milliseconds(case) for case in CASES}
    print("| part | " + " | ".join(times) + " |\n|---|" + "---|" * len(times))
    for part in next(iter(times.values())):
        cells = [f"{found[part]:.1f} ms, {found[part] / found['all']:.0%}" for found in times.values()]
        print(f"| {part} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
