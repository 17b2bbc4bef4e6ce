"""The networks of this project in ONNX, layer by layer in the order of models/network.py.

In half precision the states Y and the logits stay in float32 (`wide`), what is added to them is float16: rounding the state
itself at every step as well nearly doubles the error.
"""

from typing import Any

import numpy as np
from torch import nn

from imexseg.export.graph import Graph
from imexseg.export.lite0 import encoder_features
from imexseg.export.operators import apply, apply_adjoint, array, convolution, normalise, scale_and_shift_of
from imexseg.export.solve import Side, solve
from imexseg.layers.flows import HamiltonianFlow, SecondOrderFlow
from imexseg.layers.implicit import ImplicitSolve
from imexseg.layers.reversible import Coupling, ReversibleChain
from imexseg.layers.schemes import Leapfrog
from imexseg.layers.steps import ImexDiffusiveStep, ImexStep, Step
from imexseg.layers.terms import GradientTerm, ParabolicTerm, ResidualTerm
from imexseg.models.lite0 import Lite0Network
from imexseg.models.network import AdditivePyramid, BilinearClassifier, SegmentationNetwork, Stage

Grid = tuple[Side, Side]


def grid_strides(network: SegmentationNetwork | Lite0Network) -> list[int]:
    """Pixels between neighbours on the grid of each stage of time steps."""
    if isinstance(network, Lite0Network):
        return [network.total_stride]
    config = network.config
    return [config.stride * (2**k if config.pool else 1) for k in range(config.n_stages)]


def logits(g: Graph, image: str, network: SegmentationNetwork | Lite0Network, grids: list[Grid]) -> str:
    """Shapes: image (B, in_channels, H, W), normalised and padded → (B, num_classes, H, W).

    Args: grids: the sides of each stage's grid.
    """
    if isinstance(network, Lite0Network):
        return _lite0(g, image, network, grids[0])
    opening, norm, _ = network.backbone.opening
    assert isinstance(opening, nn.Conv2d)
    with g.scope("opening"):
        Y = g.wide(g.node("Relu", convolution(g, image, opening, norm)))
    features = []
    for k, (stage, grid) in enumerate(zip(network.backbone.stages, grids, strict=True)):
        assert isinstance(stage, Stage)
        with g.scope(f"stage{k + 1}"):
            Y = _connecting(g, Y, stage.connecting)
            Y = _flow(g, Y, stage.steps, grid)
        features.append(Y)
    with g.scope("classifier"):
        if network.pyramid is not None:
            Y = _pyramid(g, features, network.pyramid, network.config.pool)
        Y = _flow(g, Y, network.refinement, grids[0])
        return _classifier(g, Y, network.classifier)


def _lite0(g: Graph, image: str, network: Lite0Network, grid: Grid) -> str:
    *fine, coarsest = encoder_features(g, image, network.encoder)
    layer, norm, _ = network.connecting
    with g.scope("steps"):
        assert isinstance(layer, nn.Conv2d)
        Y = g.wide(g.node("Relu", convolution(g, coarsest, layer, norm)))
        Y = _flow(g, Y, network.steps, grid)
    with g.scope("classifier"):
        Y = _pyramid(g, [*fine, Y], network.pyramid, pool=True)
        Y = _flow(g, Y, network.refinement, grid)  # explicit: it asks nothing of the grid
        return _classifier(g, Y, network.classifier)


def _connecting(g: Graph, X: str, connecting: Any) -> str:
    if isinstance(connecting, nn.Identity):
        return X
    layer, norm, _, pool = connecting
    X = g.wide(g.node("Relu", convolution(g, g.narrow(X), layer, norm)))
    pooled = isinstance(pool, nn.AvgPool2d)
    return g.node("AveragePool", X, kernel_shape=[2, 2], strides=[2, 2]) if pooled else X


def _flow(g: Graph, Y: str, flow: nn.Module, grid: Grid) -> str:
    if isinstance(flow, HamiltonianFlow):
        Y, Z = g.nodes_with("Split", 2, Y, axis=1, num_outputs=2)
        Y, Z = _chain(g, Y, Z, flow.chain, grid)
        return _closing(g, g.node("Concat", Y, Z, axis=1), flow.norm)
    if isinstance(flow, SecondOrderFlow):
        return _closing(g, _chain(g, Y, Y, flow.chain, grid)[1], flow.norm)
    for j, step in enumerate(flow.children()):
        assert isinstance(step, Step)
        with g.scope(f"step{j + 1}"):
            Y = _euler(g, Y, step, grid)
    return Y


def _euler(g: Graph, Y: str, step: Step, grid: Grid) -> str:
    """N(Y⁺). With N = scale·() + shift, the scale goes into f, for every solve acts on each channel alone."""
    folded = scale_and_shift_of(step.norm)
    scale, shift = folded if folded is not None else (None, None)
    n = _channels(step.term)
    f = _term(g, step.term, Y, step.step_size * (scale if scale is not None else np.ones(n)))
    if isinstance(step, ImexStep) and not isinstance(step, ImexDiffusiveStep):
        f = solve(g, f, step.solve, *grid)
    carried = g.node("Mul", Y, g.state(scale.reshape(-1, 1, 1))) if scale is not None else Y
    out = g.node("Add", carried, g.wide(f))
    if isinstance(step, ImexDiffusiveStep):
        out = g.wide(solve(g, g.narrow(out), step.solve, *grid))
    if shift is not None:
        return g.node("Add", out, g.state(shift.reshape(-1, 1, 1)))
    return _closing(g, out, step.norm)


def _closing(g: Graph, Y: str, norm: nn.Module) -> str:
    """The N behind a step or a flow."""
    return g.wide(normalise(g, g.narrow(Y), norm))


def _chain(g: Graph, U: str, V: str, chain: ReversibleChain, grid: Grid) -> tuple[str, str]:
    """Verlet W = U + h f(V), or leapfrog W = 2V - U + h² f(V), as layers/schemes.py."""
    leapfrog = isinstance(chain.scheme, Leapfrog)
    weight = chain.scheme.step_size ** (2 if leapfrog else 1)
    for j, coupling in enumerate(chain.couplings):
        assert isinstance(coupling, Coupling)
        with g.scope(f"coupling{j + 1}"):
            f = _term(g, coupling.term, V, np.full(_channels(coupling.term), weight))
            if isinstance(coupling.solve, ImplicitSolve):
                f = solve(g, f, coupling.solve, *grid)
            f = g.wide(f)
            if leapfrog:
                f = g.node("Add", f, g.node("Mul", V, g.state(np.array(2.0))))
            U, V = V, g.node("Sub" if leapfrog else "Add", f, U)
    return U, V


def _channels(term: nn.Module) -> int:
    assert isinstance(term, GradientTerm | ResidualTerm)
    norm = term.norm
    assert isinstance(norm.weight, nn.Parameter)
    return len(norm.weight)


def _term(g: Graph, term: nn.Module, Y: str, scale: np.ndarray) -> str:
    """scale_c f(Y)_c. Shapes: Y a wide state; the result is not."""
    Y = g.narrow(Y)
    assert isinstance(term, GradientTerm | ResidualTerm)
    first = term.K if isinstance(term, GradientTerm) else term.K1
    folded = scale_and_shift_of(term.norm)
    scale_1, shift_1 = folded if folded is not None else (np.ones(len(scale)), None)
    X = apply(g, first, Y, scale_1, shift_1)
    if folded is None:
        X = normalise(g, X, term.norm)
    X = g.node("Relu", X)
    if isinstance(term, ResidualTerm):
        return apply(g, term.K2, X, scale)
    return apply_adjoint(g, term.K, X, -scale if isinstance(term, ParabolicTerm) else scale)


def _pyramid(g: Graph, features: list[str], pyramid: AdditivePyramid, pool: bool) -> str:
    scales = g.constant(np.array([1, 1, 2, 2], np.float32))
    Y = g.wide(convolution(g, g.narrow(features[-1]), pyramid.laterals[-1]))  # type: ignore[arg-type]
    for lateral, feature in zip(pyramid.laterals[-2::-1], features[-2::-1], strict=True):
        if pool:
            Y = g.node("Resize", Y, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")
        Y = g.node("Add", Y, g.wide(convolution(g, g.narrow(feature), lateral)))  # type: ignore[arg-type]
    return Y


def _classifier(g: Graph, Y: str, layer: nn.Module) -> str:
    if isinstance(layer, BilinearClassifier):
        scales = g.constant(np.array([1, 1, layer.stride, layer.stride], np.float32))
        Y = g.wide(convolution(g, g.narrow(Y), layer.map))
        return g.node("Resize", Y, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")
    assert isinstance(layer, nn.ConvTranspose2d)
    assert layer.bias is not None
    weight, bias = (g.state(array(tensor)) for tensor in (layer.weight, layer.bias))
    settings: dict[str, Any] = {"strides": list(layer.stride), "pads": [*layer.padding, *layer.padding]}
    return g.node("ConvTranspose", Y, weight, bias, **settings)
