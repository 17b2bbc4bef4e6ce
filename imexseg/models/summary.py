"""What is known about a network before training: parameters, multiply-adds, field of view."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from imexseg.layers.dynamics import DYNAMICS, FlowSettings
from imexseg.layers.implicit import ImplicitSolve, without_solve
from imexseg.models.config import ImageConfig, NetworkConfig
from imexseg.models.lite0 import LITE0, Lite0Config, Lite0Network, lite0_config
from imexseg.models.network import SegmentationNetwork
from imexseg.models.registry import network_config

SIDE = 64  # of the image for which multiply-adds are counted


@dataclass(frozen=True)
class NetworkSummary:
    """What `imexseg models` says of a network, for grey images and four classes."""

    name: str
    equation: str
    dynamics: str
    operator: str
    boundary: str
    width: str
    steps: str
    strides: str
    parameters: int
    multiply_adds: int  # for an image of 64×64
    field_of_view: int | None  # pixels from edge to edge; None: the whole image
    reversible: bool  # every stage of more than one step: training memory independent of their number
    licence: str

    @property
    def field_of_view_in_words(self) -> str:
        return "whole image" if self.field_of_view is None else f"{self.field_of_view} px"


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
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if count := flop_registry.get(func.overloadpacket):
            self.flops += count(*args, **(kwargs or {}), out_val=out)
        return out


def field_of_view(config: NetworkConfig) -> int | None:
    """Side in pixels of the square that one output pixel depends on; None if that is the whole image.

    Followed backwards from one pixel, n points wide on the grid it is at: the classifier's overlapping kernels, or its
    interpolation, need 2 points;
    interpolation to twice the size needs n//2 + 2 of the coarser grid; each step adds its rings on both sides; pooling
    doubles; the opening's overlapping kernels, 2·stride wide, end it. Exact for one scale; with several an upper bound, less
    than one total stride too large.
    """
    if config.implicit:
        return None
    several = config.n_stages > 1
    up_to = config.n_stages - 1 if several and config.pool else 0
    alone = 1 if config.classifier == "bilinear" else 3
    n = 2 if config.stride > 1 or (up_to and not config.pyramid) else alone
    n += _seen_by(config.refinement)
    if config.pyramid:
        for _ in range(up_to):
            n = n // 2 + 2
    for k, stage in reversed(list(enumerate(config.stages))):
        n += _seen_by(stage)
        if k > 0 and config.pool:
            n *= 2
    return config.stride * (n - 1) + (2 * config.stride if config.stride > 1 else 3)


def field_of_view_lite0(network: Lite0Network) -> int | None:
    """The same of a Lite0Network, an upper bound: backwards through pyramid, steps, and the encoder's convolutions."""
    config = network.config
    if DYNAMICS[config.dynamics].implicit and config.n_steps:
        return None
    n = 2 + _seen_by(config.refinement)
    for _ in network.pyramid.laterals[1:]:
        n = n // 2 + 2
    n += _seen_by(config.flow)
    for layer in reversed([layer for layer in network.encoder.modules() if isinstance(layer, nn.Conv2d)]):
        n = layer.stride[0] * (n - 1) + layer.kernel_size[0]
    return n


def _seen_by(flow: FlowSettings) -> int:
    """Points by which explicit steps widen what one point depends on."""
    return 2 * DYNAMICS[flow.dynamics].rings_per_step * flow.n_steps


def equations(config: ImageConfig) -> str | None:
    """The equation of every stage that differs from the one before, finest first; None for a network without steps."""
    if isinstance(config, Lite0Config):
        return DYNAMICS[config.dynamics].equation
    if not isinstance(config, NetworkConfig):
        return None
    names = list(dict.fromkeys(stage.dynamics for stage in config.stages))
    return "; then ".join(DYNAMICS[name].equation for name in names)


def summarise(name: str) -> NetworkSummary:
    """Build a network and describe it. Raises: UsageError for an unknown name."""
    if name in LITE0:
        return _summarise_lite0(name)
    config = network_config(name, in_channels=1, num_classes=4)
    network = SegmentationNetwork(config).eval().to("meta")  # counted, not computed
    stages = config.stages
    per_stage = 2 if config.pool else 1
    return NetworkSummary(
        name=name,
        equation=equations(config) or "",
        dynamics=_in_words(stage.dynamics for stage in stages),
        operator=_in_words(stage.operator for stage in stages),
        boundary=config.boundary if config.implicit else f"{config.boundary} (of K)",
        width=_in_words(stage.channels for stage in stages),
        steps=_in_words(stage.n_steps for stage in stages),
        strides=_in_words(config.stride * per_stage**k for k in range(len(stages))),
        parameters=count_parameters(network),
        multiply_adds=_multiply_adds(network),
        field_of_view=field_of_view(config),
        reversible=all(DYNAMICS[stage.dynamics].reversible for stage in stages),
        licence="Apache-2.0",
    )


def _summarise_lite0(name: str) -> NetworkSummary:
    config = lite0_config(name, in_channels=1, num_classes=4)
    network = Lite0Network(config).eval().to("meta")
    dynamics = DYNAMICS[config.dynamics]
    return NetworkSummary(
        name=name,
        equation=dynamics.equation,
        dynamics=config.dynamics,
        operator=config.operator,
        boundary=config.boundary if dynamics.implicit else f"{config.boundary} (of K)",
        width=str(config.width),
        steps=str(config.n_steps),
        strides=str(config.stride),
        parameters=count_parameters(network),
        multiply_adds=_multiply_adds(network),
        field_of_view=field_of_view_lite0(network),
        reversible=dynamics.reversible,
        licence="Apache-2.0",
    )


def _multiply_adds(network: nn.Module) -> int:
    return multiply_adds(network, torch.zeros(1, 1, SIDE, SIDE, device="meta"))


def _in_words(values) -> str:
    values = list(values)
    return str(values[0]) if len(set(values)) == 1 else " ".join(map(str, values))
