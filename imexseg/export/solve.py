"""(I + hL)⁻¹ in ONNX: the real matrix products of numerics.resolvent.solve_matmul, numerics.reflective.solve_cosine and
numerics.dirichlet.solve_sine.

Stored are the stencils, nine weights a channel; the symbol is computed in the graph, from constants where the size is fixed,
so that a runtime does it once, when it loads the file. The DFT operator is never used: runtimes refuse it or are slow.
"""

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from imexseg.export.graph import Graph
from imexseg.layers.implicit import DiffusionSolve, DirichletSolve, ImplicitSolve, PeriodicSolve
from imexseg.numerics.stencils import zero_mean


@dataclass(frozen=True)
class Side:
    """One side of a grid: a number where it is fixed, else the names of its length, as integer and as float."""

    fixed: int | None
    length: str = ""
    real: str = ""


@dataclass(frozen=True)
class Tables:
    """Names of what belongs to one side of n points: an orthonormal real Fourier basis and the waves of the symbol.

    Rows of the basis: cosines of the frequencies 0, 1, …, then (n even) the one of n/2, then the sines of 1, 2, …
    """

    basis: str  # (n, n)
    cosine: str  # (n, 3): cos p k for p = -1, 0, 1, where k is minus the frequency for sines
    sine: str
    pieces: list[tuple[str, str]]  # start and end of the ranges of rows that, joined, exchange cosines and sines


def solve(g: Graph, X: str, module: ImplicitSolve, height: Side, width: Side) -> str:
    """Shapes: X (B, C, H, W) → the same."""
    with g.scope("solve"):
        if isinstance(module, PeriodicSolve):
            return _periodic(g, X, module, height, width)
        assert isinstance(module, DiffusionSolve)
        return _diffusion(g, X, module, height, width)


def _periodic(g: Graph, X: str, module: PeriodicSolve, height: Side, width: Side) -> str:
    """Z ↦ a∘Z + b∘Z′ in the real basis, Z′ with cosines and sines exchanged on both sides.

    With s the symbol and s⁻ its mirror k₂ ↦ -k₂: a = (s + s⁻)/2, and b = (s⁻ - s)/2 from cosines to cosines. Where one index
    is a sine and the other a cosine b changes its sign, as it does if k does. At frequencies 0 and n/2 s = s⁻: b = 0.
    """
    first, second = _fourier_tables(g, height), _fourier_tables(g, width)
    B = zero_mean(module.weight.detach().double()).numpy() * module.step_size**0.5  # h inside the square: h|b̂|²
    # As in numerics.stencils.symbol; the mirror changes the sign of what has sin(q k₂).
    stencil = g.constant(B.astype(np.float32))
    Bc = g.node("MatMul", stencil, g.node("Transpose", second.cosine, perm=[1, 0]))
    Bs = g.node("MatMul", stencil, g.node("Transpose", second.sine, perm=[1, 0]))
    cc, ss = g.node("MatMul", first.cosine, Bc), g.node("MatMul", first.sine, Bs)
    sc, cs = g.node("MatMul", first.sine, Bc), g.node("MatMul", first.cosine, Bs)
    symbol = _resolvent(g, g.node("Sub", cc, ss), g.node("Add", sc, cs))
    mirror = _resolvent(g, g.node("Add", cc, ss), g.node("Sub", sc, cs))
    half = g.constant(np.array(0.5, np.float32))
    a = g.narrow(g.node("Mul", g.node("Add", symbol, mirror), half))
    b = g.narrow(g.node("Mul", g.node("Sub", mirror, symbol), half))
    # The last axis first: one large product, where the other axis takes one for each channel.
    Z = g.node("MatMul", first.basis, g.node("MatMul", X, g.node("Transpose", second.basis, perm=[1, 0])))
    exchanged = _exchange(g, _exchange(g, Z, first.pieces, -2), second.pieces, -1)
    Z = g.node("Add", g.node("Mul", a, Z), g.node("Mul", b, exchanged))
    return g.node("MatMul", g.node("Transpose", first.basis, perm=[1, 0]), g.node("MatMul", Z, second.basis))


def _exchange(g: Graph, Z: str, pieces: list[tuple[str, str]], axis: int) -> str:
    return g.node("Concat", *(g.node("Slice", Z, start, end, g.integers(axis)) for start, end in pieces), axis=axis)


def _resolvent(g: Graph, real: str, imaginary: str) -> str:
    """1 / (1 + real² + imaginary²)."""
    one = g.constant(np.array(1, np.float32))
    square = g.node("Add", g.node("Mul", real, real), g.node("Mul", imaginary, imaginary))
    return g.node("Div", one, g.node("Add", square, one))


def _fourier_tables(g: Graph, side: Side) -> Tables:
    key = ("fourier", side)
    if key not in g.shared:
        with g.scope("tables"):
            g.shared[key] = _fixed_tables(g, side.fixed) if side.fixed else _tables_in_graph(g, side)
    return g.shared[key]


def _fixed_tables(g: Graph, n: int) -> Tables:
    half, odd = divmod(n, 2)
    index = np.arange(n)
    is_middle = (index == half) & (odd == 0)
    is_sine = (index >= half + odd) & ~is_middle
    frequency = np.where(is_sine, index - half, index)
    angle = 2 * np.pi / n * (np.outer(frequency, np.arange(n)) % n)  # reduced in integers: exact
    F = np.where(is_sine[:, None], np.sin(angle), np.cos(angle))
    F *= np.where((index == 0) | is_middle, 1.0, 2.0**0.5)[:, None] / n**0.5
    k = np.where(is_sine, -frequency, frequency)
    waves = 2 * np.pi / n * np.outer(k, np.arange(-1, 2))
    ranges = [(0, 1)] * odd + [(half + odd, n), (odd, half + odd)]
    return Tables(
        g.weight(F),
        g.constant(np.cos(waves).astype(np.float32)),
        g.constant(np.sin(waves).astype(np.float32)),
        [(g.integers(start), g.integers(end)) for start, end in ranges if start < end],
    )


def _tables_in_graph(g: Graph, side: Side) -> Tables:
    """The same from the side's length, while the file runs; an empty range is no harm."""
    zero, one, two = (g.constant(np.array(value, np.int64)) for value in (0, 1, 2))
    half, odd = g.node("Div", side.length, two), g.node("Mod", side.length, two)
    first_sine = g.node("Add", half, one)  # whether n is even or odd; n/2 stands before it
    index = g.node("Range", zero, side.length, one)
    is_sine = g.node("GreaterOrEqual", index, first_sine)
    frequency = g.node("Where", is_sine, g.node("Sub", index, half), index)
    unit = g.node("Div", g.constant(np.array(2 * np.pi, np.float32)), side.real)
    turns = g.node("Add", g.node("Mul", _column(g, frequency), index), half)
    turns = g.node("Sub", g.node("Mod", turns, side.length), half)  # about 0, where float32 is finest
    angle = g.node("Mul", g.node("Cast", turns, to=TensorProto.FLOAT), unit)
    F = g.node("Where", _column(g, is_sine), g.node("Sin", angle), g.node("Cos", angle))
    alone = g.node("Equal", g.node("Mod", g.node("Mul", frequency, two), side.length), zero)
    weights = (g.constant(np.array(value**0.5, np.float32)) for value in (1, 2))
    norm = g.node("Div", g.node("Where", alone, *weights), g.node("Sqrt", side.real))
    k = g.node("Cast", g.node("Where", is_sine, g.node("Neg", frequency), frequency), to=TensorProto.FLOAT)
    waves = g.node("Mul", _column(g, k), g.constant(np.array([[-1, 0, 1]], np.float32)))
    waves = g.node("Mul", waves, unit)
    middle = g.node("Add", half, odd)
    ends = [(zero, odd), (middle, side.length), (odd, middle)]
    return Tables(
        g.narrow(g.node("Mul", F, _column(g, norm))),
        g.node("Cos", waves),
        g.node("Sin", waves),
        [(_vector(g, start), _vector(g, end)) for start, end in ends],
    )


def _column(g: Graph, x: str) -> str:
    """Shapes: (n,) → (n, 1)."""
    return g.node("Unsqueeze", x, g.integers(1))


def _vector(g: Graph, x: str) -> str:
    """Shapes: () → (1,)."""
    return g.node("Unsqueeze", x, g.integers(0))


def _diffusion(g: Graph, X: str, module: DiffusionSolve, height: Side, width: Side) -> str:
    kind = "sine" if isinstance(module, DirichletSolve) else "cosine"
    (T1, first), (T2, second) = _trigonometric_tables(g, kind, height), _trigonometric_tables(g, kind, width)
    alpha = (module.diffusion().detach().double().numpy() * module.step_size).astype(np.float32)
    rows = g.node("Mul", g.constant(alpha[:, 0].reshape(-1, 1, 1)), g.node("Unsqueeze", first, g.integers(1)))
    columns = g.node("Mul", g.constant(alpha[:, 1].reshape(-1, 1, 1)), second)
    one = g.constant(np.array(1, np.float32))
    # Not Div(1, …): onnxruntime would put the division where the product with Z is, and do it anew for every image.
    rho = g.node("Reciprocal", g.node("Add", g.node("Add", rows, columns), one))
    Z = g.node("MatMul", T1, g.node("MatMul", X, g.node("Transpose", T2, perm=[1, 0])))
    Z = g.node("MatMul", g.node("Mul", Z, g.narrow(rho)), T2)
    return g.node("MatMul", g.node("Transpose", T1, perm=[1, 0]), Z)


def _trigonometric_tables(g: Graph, kind: str, side: Side) -> tuple[str, str]:
    """Names of the orthonormal transform (n, n), DCT-II or DST-I, and of the symbol of -∂² in its basis, (n,)."""
    key = (kind, side)
    if key not in g.shared:
        fixed, in_graph = {"cosine": (_fixed_cosines, _cosines_in_graph), "sine": (_fixed_sines, _sines_in_graph)}[kind]
        with g.scope("tables"):
            g.shared[key] = fixed(g, side.fixed) if side.fixed else in_graph(g, side)
    return g.shared[key]


def _fixed_sines(g: Graph, n: int) -> tuple[str, str]:
    j = np.arange(1, n + 1)
    S = np.sin(np.pi / (n + 1) * (np.outer(j, j) % (2 * n + 2))) * (2 / (n + 1)) ** 0.5
    return g.weight(S), g.constant((4 * np.sin(np.pi / (2 * n + 2) * j) ** 2).astype(np.float32))


def _sines_in_graph(g: Graph, side: Side) -> tuple[str, str]:
    one, two = (g.constant(np.array(value, np.int64)) for value in (1, 2))
    after = g.node("Add", side.length, one)  # n + 1
    j = g.node("Range", one, after, one)
    after_real = g.node("Add", side.real, g.constant(np.array(1, np.float32)))
    unit = g.node("Div", g.constant(np.array(np.pi, np.float32)), after_real)
    turns = g.node("Mod", g.node("Mul", _column(g, j), j), g.node("Mul", after, two))
    # sin(x) = -sin(x - π): about 0, where float32 is finest.
    angle = g.node("Mul", g.node("Cast", g.node("Sub", turns, after), to=TensorProto.FLOAT), unit)
    real_two = g.constant(np.array(2, np.float32))
    norm = g.node("Neg", g.node("Sqrt", g.node("Div", real_two, after_real)))
    S = g.node("Mul", g.node("Sin", angle), norm)
    half_unit = g.node("Div", unit, real_two)
    return g.narrow(S), _second_difference(g, g.node("Mul", g.node("Cast", j, to=TensorProto.FLOAT), half_unit))


def _second_difference(g: Graph, half_theta: str) -> str:
    """4 sin²(θ/2), as in numerics.diffusion. Shapes: any → the same."""
    sine = g.node("Sin", half_theta)
    return g.node("Mul", g.node("Mul", sine, sine), g.constant(np.array(4, np.float32)))


def _fixed_cosines(g: Graph, n: int) -> tuple[str, str]:
    turns = np.outer(np.arange(n), 2 * np.arange(n) + 1) % (4 * n)
    C = np.cos(np.pi / (2 * n) * turns) * (2 / n) ** 0.5
    C[0] /= 2**0.5
    symbol = 4 * np.sin(np.pi / (2 * n) * np.arange(n)) ** 2
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
    return g.narrow(C), _second_difference(g, g.node("Mul", g.node("Cast", j, to=TensorProto.FLOAT), unit))
