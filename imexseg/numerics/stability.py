"""How large a step may be: amplification factors of every scheme, and the largest stable h of a nonlinear f at a state.

One mode of the linear test equation ∂ₜY = μY with L's eigenvalue λ ≥ 0, or ∂ₜₜY = -κY, is multiplied each step by

    forward Euler     G = 1 + hμ                     |G| ≤ 1  ⇔  h ≤ 2/|μ|            (μ ≤ 0)
    IMEX              G = 1 + hμ/(1+hλ)              |G| ≤ 1  ⇔  h(|μ| - 2λ) ≤ 2
    IMEX, diffusive   G = (1 + hμ)/(1+hλ)            |G| ≤ 1  ⇔  h(|μ| - λ) ≤ 2
    Verlet, leapfrog  G² - (2 - h²κ)G + 1 = 0        |G| = 1  ⇔  h ≤ 2/√κ             (κ ≥ 0)

A network's f does not commute with L, and has a Jacobian in place of μ. For f(Y) = -Kᵀσ(KY) it is -A with A = KᵀDK symmetric,
D = diag(σ′) ≥ 0, so A ⪰ 0, and the same conditions hold for the largest eigenvalue of what really multiplies:

    forward Euler     h λmax(A) ≤ 2
    IMEX              h λmax((I+hL)⁻¹A) ≤ 2          its eigenvalues are real: it is similar to S^½AS^½ with S = (I+hL)⁻¹
    IMEX, diffusive   (h/2) λmax((I+(h/2)L)⁻¹A) ≤ 1  because (I+hL)⁻¹(I-hA) ⪰ -I  ⇔  hA ⪯ 2I + hL
    leapfrog          h² λmax((I+h²L)⁻¹A) ≤ 4        without a solve L = 0
    Verlet            h² ρ(S₁A₁S₂A₂) ≤ 4             without a solve S = I; two different solves make it necessary only

Each left side grows with h, so there is one largest h; with a solve it may be ∞ only if L dominates A. Any other f (two unrelated
operators) may itself expand, and then no step is stable: see expansion_rate and spectral_norm.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Linear = Callable[[Tensor], Tensor]
SolveAt = Callable[[Tensor, float], Tensor]  # X, h ↦ (I + hL)⁻¹X

LARGEST_STEP = 1e6  # a bound beyond this is reported as ∞
_LOOSEST = 1e-3  # relative accuracy of a limit; power iteration is the larger error, about a per cent


def forward_euler_factor(mu: Tensor, h: float) -> Tensor:
    """G = 1 + hμ. Shapes: any; μ real or complex, 1/time."""
    return 1 + h * mu


def imex_factor(mu: Tensor, symbol: Tensor, h: float) -> Tensor:
    """G = 1 + hμ/(1 + hλ). Shapes: those that broadcast; λ ≥ 0 the symbol of L at the same frequency."""
    return 1 + h * mu / (1 + h * symbol)


def imex_diffusive_factor(mu: Tensor, symbol: Tensor, h: float) -> Tensor:
    """G = (1 + hμ)/(1 + hλ). Shapes: as imex_factor. Properties: below 1 also where μ = 0: it damps what f leaves alone."""
    return (1 + h * mu) / (1 + h * symbol)


def two_step_factors(kappa: Tensor, h: float) -> Tensor:
    """Both roots of G² - (2 - h²κ)G + 1 = 0, for Verlet and leapfrog on ∂ₜₜY = -κY. Shapes: (...) → (..., 2), complex.

    Properties: their product is 1; both lie on the unit circle up to h = 2/√κ: energy is kept, neither lost nor gained.
    """
    middle = torch.complex(1 - h**2 * kappa / 2, torch.zeros_like(kappa))
    root = (middle.square() - 1).sqrt()
    return torch.stack([middle + root, middle - root], dim=-1)


def jacobian_products(f: Linear, Y: Tensor) -> tuple[Linear, Linear]:
    """v ↦ f′(Y)v and v ↦ f′(Y)ᵀv, without the matrix. f is evaluated once, gradients of parameters stay as they are.

    Shapes: v as Y. Args: f: any function that autograd can differentiate twice, a module in evaluation mode for instance.
    """
    with torch.enable_grad():
        at = Y.detach().requires_grad_()
        value = f(at)
        # f′ᵀu is linear in u, and the transpose of that map is f′: forward mode without asking f to support it.
        u = torch.zeros_like(value, requires_grad=True)
        (transposed,) = torch.autograd.grad(value, at, u, create_graph=True)

    def product(v: Tensor) -> Tensor:
        if not transposed.requires_grad:  # f′ᵀu does not depend on u: f is constant
            return torch.zeros_like(v)
        return torch.autograd.grad(transposed, u, v, retain_graph=True)[0]

    def transposed_product(v: Tensor) -> Tensor:
        return torch.autograd.grad(value, at, v, retain_graph=True)[0]

    return product, transposed_product


def symmetric_rate(f: Linear, Y: Tensor) -> Linear:
    """A: v ↦ -f′(Y)v for an f whose Jacobian is symmetric, as that of -Kᵀσ(KY): one backward pass a product."""
    with torch.enable_grad():
        at = Y.detach().requires_grad_()
        value = f(at)
    return lambda v: -torch.autograd.grad(value, at, v, retain_graph=True)[0]


def dominant_eigenvalue(
    apply: Linear, start: Tensor, iterations: int = 200, tolerance: float = 1e-5
) -> tuple[float, Tensor]:
    """Power iteration. Returns: (ρ, v), the magnitude of the largest eigenvalue of a linear map, and the direction found.

    For a positive semi-definite map ρ is λmax, approached from below. Where a complex pair dominates the growth oscillates,
    and ρ is its geometric mean over the last half.
    Args: start: any direction, of which only the components that are not 0 can be found.
    """
    v = start / start.norm()
    growths: list[float] = []
    for _ in range(iterations):
        image = apply(v)
        growth = float(image.norm())
        if growth == 0 or not math.isfinite(growth):
            return growth, v
        v = image / growth
        growths.append(growth)
        if len(growths) > 8 and max(growths[-5:]) - min(growths[-5:]) < tolerance * growth:
            return growth, v
    last = growths[len(growths) // 2 :]
    steady = max(growths[-5:]) - min(growths[-5:]) < 1e-2 * growths[-1]
    return growths[-1] if steady else math.exp(sum(map(math.log, last)) / len(last)), v


def forward_euler_limit(A: Linear, start: Tensor) -> float:
    """Largest h of Y⁺ = Y + h f(Y): 2/λmax(A). Args: A: v ↦ -f′v, positive semi-definite.  start: as dominant_eigenvalue."""
    rate, _ = dominant_eigenvalue(A, start)
    return 2 / rate if rate > 2 / LARGEST_STEP else math.inf


def imex_limit(A: Linear, solve: SolveAt, start: Tensor) -> float:
    """Largest h of Y⁺ = Y + h(I+hL)⁻¹f(Y): never less than forward_euler_limit."""
    return _largest(A, solve, start, bound=2)


def imex_diffusive_limit(A: Linear, solve: SolveAt, start: Tensor) -> float:
    """Largest h of Y⁺ = (I+hL)⁻¹(Y + h f(Y))."""
    return 2 * _largest(A, solve, start, bound=1)


def leapfrog_limit(A: Linear, start: Tensor, solve: SolveAt | None = None) -> float:
    """Largest h of Y⁺ = 2Y - Y⁻ + h²(I+h²L)⁻¹f(Y); without a solve 2/√λmax(A)."""
    return math.sqrt(2 * forward_euler_limit(A, start) if solve is None else _largest(A, solve, start, bound=4))


def verlet_limit(
    A1: Linear, A2: Linear, start: Tensor, solve1: SolveAt | None = None, solve2: SolveAt | None = None
) -> float:
    """Largest h of Verlet's pair, h²ρ(S₁A₁S₂A₂) = 4.

    Without solves A₁A₂ has real eigenvalues ≥ 0, and the bound is sharp. With two different solves S₁ ≠ S₂ they may be
    complex, no energy is kept, and the bound is necessary but not sufficient.
    """
    S1, S2 = (solve or (lambda X, h: X) for solve in (solve1, solve2))
    direction = start

    def growth(h: float) -> float:
        nonlocal direction
        rho, direction = dominant_eigenvalue(lambda v: S1(A1(S2(A2(v), h)), h), direction)
        return h * math.sqrt(rho)

    return _where(growth, 2)


def expansion_rate(J: Linear, JT: Linear, start: Tensor) -> float:
    """λmax((J + Jᵀ)/2): the fastest rate, in 1/time, at which two nearby states may move apart; ≤ 0: they never do.

    Args: J, JT: v ↦ f′v and v ↦ f′ᵀv. Above 0 the equation itself expands, and no step size mends that.
    """
    size, _ = dominant_eigenvalue(lambda v: (J(v) + JT(v)) / 2, start)
    shifted, _ = dominant_eigenvalue(lambda v: (J(v) + JT(v)) / 2 + size * v, start)
    return shifted - size


def spectral_norm(M: Linear, MT: Linear, start: Tensor) -> float:
    """‖M‖₂: by how much a step with Jacobian M can pull two nearby states apart, at worst; ‖I + hJ‖₂ for forward Euler."""
    return math.sqrt(dominant_eigenvalue(lambda v: MT(M(v)), start)[0])


def _largest(A: Linear, solve: SolveAt, start: Tensor, bound: float) -> float:
    """h with h λmax((I+hL)⁻¹A) = bound. Each eigenvalue starts from the last one's direction."""
    direction = start

    def growth(h: float) -> float:
        nonlocal direction
        rate, direction = dominant_eigenvalue(lambda v: solve(A(v), h), direction)
        return h * rate

    return _where(growth, bound)


def _where(growth: Callable[[float], float], bound: float) -> float:
    """h > 0 with growth(h) = bound for a growth that increases at most linearly; ∞ beyond LARGEST_STEP. Secants in logarithms."""
    h, last = 1.0, None
    for _ in range(20):
        value = growth(h)
        if value <= 0:
            return math.inf
        error = math.log(value / bound)
        if abs(error) < _LOOSEST:
            return h
        # Between 0.05 and 1: a saturating growth is followed in strides of at most 20 times the error.
        slope = 1.0 if last is None else min(1.0, max(0.05, (error - last[1]) / (math.log(h) - last[0])))
        last = math.log(h), error
        if (log_h := last[0] - error / slope) > math.log(LARGEST_STEP):
            return math.inf
        h = math.exp(log_h)
    return h
