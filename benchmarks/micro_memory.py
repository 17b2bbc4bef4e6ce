"""Working memory and flash of Q-tips networks in apps/micro, by number of steps: python -m benchmarks.micro_memory

Untrained networks of the settings of those in weights/, for images of 64 × 64: the plan depends on shapes alone. Takes minutes.
"""

import argparse

from onnx import shape_inference

from apps.micro.graph import Graph
from apps.micro.plan import planned
from benchmarks.export import untrained
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions

NETWORKS = ("imex-lean", "hamiltonian-lean", "hamiltonian-imex-lean", "second-order-lean", "second-order-imex-lean")
STEPS = (5, 10, 20)


def taken(name: str, n_steps: int) -> tuple[int, int]:
    """Bytes of working memory, bytes of weights."""
    model = build(untrained(name, 1, n_steps=n_steps), ExportOptions((64, 64), core=True))
    graph = Graph(shape_inference.infer_shapes(model, strict_mode=True).graph, name)
    return 4 * planned(graph).size, 4 * graph.n_weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="NAME")
    parser.add_argument("--steps", nargs="+", type=int, default=STEPS, metavar="N")
    options = parser.parse_args()
    print("| network | steps | memory, bytes | weights, bytes |\n|---|---|---|---|")
    for name in options.networks:
        for n_steps in options.steps:
            memory, weights = taken(name, n_steps)
            print(f"| {name} | {n_steps} | {memory} | {weights} |", flush=True)


if __name__ == "__main__":
    main()
