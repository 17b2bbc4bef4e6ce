"""Where each tensor of a graph lies in the arena."""

from dataclasses import dataclass

import numpy as np

from apps.micro.graph import POINTWISE, Graph, Step


@dataclass(frozen=True)
class Plan:
    """In floats. scratch: where it begins.  size: of the arena, with the scratch at its end."""

    scratch: int
    size: int


def planned(graph: Graph) -> Plan:
    """Give every tensor its place. Returns: how much memory that takes.

    Two tensors share memory if they are never needed at the same time. A step that can writes over an operand of its own size
    that nobody needs after it. At the end of the arena is the scratch.
    """
    offset = 0
    for value in graph.values.values():
        if value.constant is not None:
            value.offset = offset
            offset += value.size
    lives = _lives(graph)
    owner = _sharing(graph, lives)
    for name, shared in owner.items():
        lives[shared] = (min(lives[shared][0], lives[name][0]), max(lives[shared][1], lives[name][1]))
    alone = set(owner.values())
    # The largest first, and of equal ones, as most are, the order of time, which leaves no gaps; or the order of time throughout,
    # which is better where one tensor, like logits of many classes, is larger than the others.
    largest = sorted(alone, key=lambda name: (-graph.values[name].size, lives[name], name))
    earliest = sorted(alone, key=lambda name: (lives[name], -graph.values[name].size, name))
    size, places = min((_placed(graph, lives, order) for order in (largest, earliest)), key=lambda found: found[0])
    for name, shared in owner.items():
        graph.values[name].offset = places[shared]
    return Plan(size, size + max((_scratch(graph, step) for step in graph.steps), default=0))


def _placed(graph: Graph, lives: dict[str, tuple[int, int]], order: list[str]) -> tuple[int, dict[str, int]]:
    """Each tensor, in this order, where it first fits. Returns: floats that it takes; where each one begins."""
    places: dict[str, int] = {}
    for name in order:
        begin, end = lives[name]
        beside = [other for other in places if lives[other][0] <= end and begin <= lives[other][1]]
        at = 0
        for other in sorted(beside, key=lambda other: places[other]):
            if at + graph.values[name].size <= places[other]:
                break
            at = max(at, places[other] + graph.values[other].size)
        places[name] = at
    return max(at + graph.values[name].size for name, at in places.items()), places


def _scratch(graph: Graph, step: Step) -> int:
    """What engine.hpp keeps of a step aside, in floats."""
    if step.op == "MatMul":
        return int(np.prod(graph.values[step.output].shape[2:]))
    return graph.values[step.inputs[0]].shape[1] if _is_mix(graph, step) else 0


def _is_mix(graph: Graph, step: Step) -> bool:
    """A convolution of each pixel for itself; the same rule as in engine.hpp."""
    if step.op != "Conv" or step.groups != 1 or step.pad != (0, 0):
        return False
    given, kernel, output = (graph.values[name].shape[2:] for name in (*step.inputs[:2], step.output))
    return kernel == (1, 1) and given == output


def _lives(graph: Graph) -> dict[str, tuple[int, int]]:
    """Of each tensor in the arena: the first step that writes to it, and the last one that reads it."""
    lives = {graph.input: (-1, -1)}
    for number, step in enumerate(graph.steps):
        lives[step.output] = (lives.get(step.output, (number,))[0], number)  # several steps paste into one tensor
        for name in step.inputs:
            if graph.values[name].constant is None:
                lives[name] = (lives[name][0], number)
    lives[graph.output] = (lives[graph.output][0], len(graph.steps))
    return lives


def _sharing(graph: Graph, lives: dict[str, tuple[int, int]]) -> dict[str, str]:
    """Each tensor in the arena ↦ the first one that lies in the same place."""
    owner = {name: name for name in lives}
    for number, step in enumerate(graph.steps):
        if step.op not in (*POINTWISE, "MatMul") and not _is_mix(graph, step):
            continue
        for name in step.inputs:
            value = graph.values[name]
            if value.constant is None and lives[name][1] == number and value.shape == graph.values[step.output].shape:
                owner[step.output] = owner[name]
                break
    return owner
