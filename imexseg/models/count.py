"""What a network costs: its parameters, and its multiply-adds per image."""

import math

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from imexseg.layers.implicit import ImplicitSolve
from imexseg.layers.solve_modes import without_solve


def count_parameters(network: nn.Module) -> int:
    """Trainable numbers of a network."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def multiply_adds(network: nn.Module, image: Tensor) -> int:
    """Multiply-adds of one forward pass: convolutions and matrix products as torch counts them, and the solves.

    A solve on C channels of N points is counted as two real FFTs, 2.5 N log₂ N multiply-adds together (half of the 5 N log₂ N
    operations each that are usual for a complex one, of which half again are multiplications), and N products with ρ.
    Normalisations and activations are not counted, as is usual.
    """
    total = 0

    def count_solve(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        n = output.shape[-2] * output.shape[-1]
        total += int(output.shape[0] * output.shape[1] * (2.5 * n * math.log2(max(n, 2)) + n))

    hooks = [m.register_forward_hook(count_solve) for m in network.modules() if isinstance(m, ImplicitSolve)]
    try:
        # The solves are counted by the hooks, so they need not run: that lets tensors without data (device "meta") through.
        with torch.no_grad(), without_solve(network), _Counter() as counter:
            network(image)
    finally:
        for hook in hooks:
            hook.remove()
    return total + counter.flops // 2


class _Counter(TorchDispatchMode):
    """Adds up what torch's table of operations says of convolutions and products; several times faster than FlopCounterMode,
    which takes every other operation apart too."""

    def __init__(self) -> None:
        from torch.utils.flop_counter import flop_registry  # imports triton, which who only predicts can do without

        super().__init__()
        self.flops = 0
        self.table = flop_registry

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if count := self.table.get(func.overloadpacket):
            self.flops += count(*args, **(kwargs or {}), out_val=out)
        return out
