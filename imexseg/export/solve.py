"""(I + hL)⁻¹ in ONNX: the real matrix products of numerics.resolvent.solve_matmul and numerics.reflective.solve_cosine.

Stored are the stencils, nine weights a channel; the symbol is computed in the graph, from constants where the size is fixed,
so that a runtime does it once, when it loads the file. The DFT operator is never used: runtimes refuse it or are slow.
"""

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from imexseg.export.graph import Graph
from imexseg.layers.implicit import ImplicitSolve, PeriodicSolve, ReflectiveSolve
from imexseg.numerics.stencils import zero_mean


@dataclass(frozen=True)
class Side:
    """One side of a grid: a number where it is fixed, else the names of its length, as integer and as float."""

    fixed: int | None
    length: str = ""
    real: str = ""


@dataclass(frozen=True)
class Tables:
    """Names of the matrices of one side. half = n//2 + 1 frequencies."""

    forward: str  # (2·half, n) cosines above sines, over √n
    inverse: str  # (n, 2·half)
    cosine: str  # (half, 3): cos p k for p = -1, 0, 1
    sine: str
    half: str  # a 1-vector with that integer


def solve(g: Graph, X: str, module: ImplicitSolve, height: Side, width: Side) -> str:
    """Shapes: X (B, C, H, W) → the same."""
    with g.scope("solve"):
        if isinstance(module, PeriodicSolve):
            return _periodic(g, X, module, height, width)
        assert isinstance(module, ReflectiveSolve)
        return _reflective(g, X, module, height, width)


def _periodic(g: Graph, X: str, module: PeriodicSolve, height: Side, width: Side) -> str:
    first, second = _fourier_tables(g, height), _fourier_tables(g, width)
    B = zero_mean(module.weight.detach().double()).numpy() * module.step_size**0.5  # h inside the square: h|b̂|²
    # As in numerics.stencils.symbol; the mirror k₂ ↦ -k₂ changes the sign of what has sin(q k₂).
    stencil = g.constant(B.astype(np.float32))
    Bc = g.node("MatMul", stencil, g.node("Transpose", second.cosine, perm=[1, 0]))
    Bs = g.node("MatMul", stencil, g.node("Transpose", second.sine, perm=[1, 0]))
    cc, ss = g.node("MatMul", first.cosine, Bc), g.node("MatMul", first.sine, Bs)
    sc, cs = g.node("MatMul", first.sine, Bc), g.node("MatMul", first.cosine, Bs)
    plus = _resolvent(g, g.node("Sub", cc, ss), g.node("Add", sc, cs))
    minus = _resolvent(g, g.node("Add", cc, ss), g.node("Sub", sc, cs))
    half = g.constant(np.array(0.5, np.float32))
    a = g.narrow(g.node("Mul", g.node("Add", plus, minus), half))
    b = g.narrow(g.node("Mul", g.node("Sub", minus, plus), half))
    Z = g.node("MatMul", g.node("MatMul", first.forward, X), g.node("Transpose", second.forward, perm=[1, 0]))
    upper, lower = _halves(g, Z, first.half, -2)
    (zcc, zcs), (zsc, zss) = _halves(g, upper, second.half, -1), _halves(g, lower, second.half, -1)

    def mix(op: str, P: str, Q: str) -> str:
        return g.node(op, g.node("Mul", a, P), g.node("Mul", b, Q))

    top = g.node("Concat", mix("Add", zcc, zss), mix("Sub", zcs, zsc), axis=-1)
    bottom = g.node("Concat", mix("Sub", zsc, zcs), mix("Add", zss, zcc), axis=-1)
    Z = g.node("Concat", top, bottom, axis=-2)
    return g.node("MatMul", g.node("MatMul", first.inverse, Z), g.node("Transpose", second.inverse, perm=[1, 0]))


def _resolvent(g: Graph, real: str, imaginary: str) -> str:
    """1 / (1 + real² + imaginary²)."""
    one = g.constant(np.array(1, np.float32))
    square = g.node("Add", g.node("Mul", real, real), g.node("Mul", imaginary, imaginary))
    return g.node("Div", one, g.node("Add", square, one))


def _halves(g: Graph, X: str, half: str, axis: int) -> tuple[str, str]:
    start, end, axes = g.integers(0), g.integers(2**31), g.integers(axis)
    return g.node("Slice", X, start, half, axes), g.node("Slice", X, half, end, axes)


def _fourier_tables(g: Graph, side: Side) -> Tables:
    key = ("fourier", side)
    if key not in g.shared:
        with g.scope("tables"):
            g.shared[key] = _fixed_tables(g, side.fixed) if side.fixed else _tables_in_graph(g, side)
    return g.shared[key]


def _fixed_tables(g: Graph, n: int) -> Tables:
    half = n // 2 + 1
    angle = 2 * np.pi / n * (np.outer(np.arange(half), np.arange(n)) % n)  # reduced in integers: exact
    F = np.concatenate([np.cos(angle), np.sin(angle)]) / n**0.5
    frequency = np.arange(half)
    multiplicity = np.where((frequency == 0) | (2 * frequency == n), 1.0, 2.0)
    inverse = (F * np.tile(multiplicity, 2)[:, None]).T
    waves = 2 * np.pi / n * np.outer(frequency, np.arange(-1, 2))
    return Tables(
        g.weight(F),
        g.weight(inverse),
        g.constant(np.cos(waves).astype(np.float32)),
        g.constant(np.sin(waves).astype(np.float32)),
        g.integers(half),
    )


def _tables_in_graph(g: Graph, side: Side) -> Tables:
    """The same from the side's length, while the file runs."""
    zero, one, two = (g.constant(np.array(value, np.int64)) for value in (0, 1, 2))
    half = g.node("Add", g.node("Div", side.length, two), one)
    frequency = g.node("Range", zero, half, one)
    column = g.node("Unsqueeze", frequency, g.integers(1))
    unit = g.node("Div", g.constant(np.array(2 * np.pi, np.float32)), side.real)
    turns = g.node("Mod", g.node("Mul", column, g.node("Range", zero, side.length, one)), side.length)
    angle = g.node("Mul", g.node("Cast", turns, to=TensorProto.FLOAT), unit)
    F = g.node("Concat", g.node("Cos", angle), g.node("Sin", angle), axis=0)
    F = g.node("Div", F, g.node("Sqrt", side.real))
    at_ends = g.node("Equal", g.node("Mod", g.node("Mul", column, two), side.length), zero)
    weights = (g.constant(np.array(value, np.float32)) for value in (1, 2))
    multiplicity = g.node("Where", at_ends, *weights)
    inverse = g.node("Mul", F, g.node("Concat", multiplicity, multiplicity, axis=0))
    waves = g.node("Mul", g.node("Cast", column, to=TensorProto.FLOAT), g.constant(np.array([[-1, 0, 1]], np.float32)))
    waves = g.node("Mul", waves, unit)
    return Tables(
        g.narrow(F),
        g.narrow(g.node("Transpose", inverse, perm=[1, 0])),
        g.node("Cos", waves),
        g.node("Sin", waves),
        g.node("Unsqueeze", half, g.integers(0)),
    )


def _reflective(g: Graph, X: str, module: ReflectiveSolve, height: Side, width: Side) -> str:
    (C1, first), (C2, second) = _cosine_tables(g, height), _cosine_tables(g, width)
    alpha = (module.diffusion().detach().double().numpy() * module.step_size).astype(np.float32)
    rows = g.node("Mul", g.constant(alpha[:, 0].reshape(-1, 1, 1)), g.node("Unsqueeze", first, g.integers(1)))
    columns = g.node("Mul", g.constant(alpha[:, 1].reshape(-1, 1, 1)), second)
    one = g.constant(np.array(1, np.float32))
    rho = g.node("Div", one, g.node("Add", g.node("Add", rows, columns), one))
    Z = g.node("MatMul", g.node("MatMul", C1, X), g.node("Transpose", C2, perm=[1, 0]))
    Z = g.node("Mul", Z, g.narrow(rho))
    return g.node("MatMul", g.node("MatMul", g.node("Transpose", C1, perm=[1, 0]), Z), C2)


def _cosine_tables(g: Graph, side: Side) -> tuple[str, str]:
    """Names of the orthonormal DCT-II (n, n) and of 2 - 2cos(πj/n), (n,)."""
    key = ("cosine", side)
    if key not in g.shared:
        with g.scope("tables"):
            g.shared[key] = _fixed_cosines(g, side.fixed) if side.fixed else _cosines_in_graph(g, side)
    return g.shared[key]


def _fixed_cosines(g: Graph, n: int) -> tuple[str, str]:
    turns = np.outer(np.arange(n), 2 * np.arange(n) + 1) % (4 * n)
    C = np.cos(np.pi / (2 * n) * turns) * (2 / n) ** 0.5
    C[0] /= 2**0.5
    symbol = 2 - 2 * np.cos(np.pi / n * np.arange(n))
    return g.weight(C), g.constant(symbol.astype(np.float32))


def _cosines_in_graph(g: Graph, side: Side) -> tuple[str, str]:
    zero, one, two, four = (g.constant(np.array(value, np.int64)) for value in (0, 1, 2, 4))
    j = g.node("Range", zero, side.length, one)
    column = g.node("Unsqueeze", j, g.integers(1))
    odd = g.node("Add", g.node("Mul", j, two), one)
    turns = g.node("Mod", g.node("Mul", column, odd), g.node("Mul", side.length, four))
    unit = g.node("Div", g.constant(np.array(np.pi / 2, np.float32)), side.real)
    C = g.node("Cos", g.node("Mul", g.node("Cast", turns, to=TensorProto.FLOAT), unit))
    norms = (g.constant(np.array(value, np.float32)) for value in (1, 2))
    norm = g.node("Where", g.node("Equal", column, zero), *norms)
    C = g.node("Mul", C, g.node("Sqrt", g.node("Div", norm, side.real)))
    angle = g.node(
        "Mul", g.node("Cast", j, to=TensorProto.FLOAT), g.node("Mul", unit, g.constant(np.array(2, np.float32)))
    )
    constant_two = g.constant(np.array(2, np.float32))
    return g.narrow(C), g.node("Sub", constant_two, g.node("Mul", g.node("Cos", angle), constant_two))
