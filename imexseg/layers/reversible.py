"""Reversible steps: the state is a pair, and the pair before a step can be computed from the pair behind it.

Every step is made of couplings (U, V) ↦ (V, W) with W = s·U + g(V), s = ±1, whose inverse is U = s·(W - g(V)):

    Verlet     Y⁺ = Y + h f₁(Z), Z⁺ = Z + h f₂(Y⁺)     two couplings, s = +1, g = h f
    leapfrog   Y⁺ = 2Y - Y⁻ + h² f(Y)                  one coupling,  s = -1, g(Y) = 2Y + h² f(Y)

A solve inside g changes nothing of that: (I + hL)⁻¹ f is just another g.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm


class Coupling(nn.Module):
    """(U, V) ↦ (V, W), W = sign·U + (V-part) with V-part = g(V) = diagonal·V + weight·solve(term(V)).

    Shapes: U, V, W (B, C, H, W).
    """

    def __init__(self, term: nn.Module, weight: float, sign: int = 1, diagonal: float = 0.0):
        super().__init__()
        self.term = term
        self.weight = weight
        self.sign = sign
        self.diagonal = diagonal

    def g(self, V: Tensor) -> Tensor:
        """Shapes: (B, C, H, W) → the same."""
        f = self.rate(V)
        return torch.add(self.diagonal * V, f, alpha=self.weight) if self.diagonal else self.weight * f

    def rate(self, V: Tensor) -> Tensor:
        """f(V), the right-hand side of the equation."""
        return self.term(V)

    def forward(self, U: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
        return V, (U + self.g(V) if self.sign > 0 else self.g(V) - U)

    def inverse(self, V: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
        """The (U, V) that forward maps to (V, W)."""
        return self.undo(W, self.g(V)), V

    def undo(self, W: Tensor, g: Tensor) -> Tensor:
        """U = sign·(W - g(V)). Args: g: the value g(V)."""
        return W - g if self.sign > 0 else g - W


class ImplicitCoupling(Coupling):
    """A coupling whose f is smoothed by the implicit solve: (I + hL)⁻¹ f."""

    def __init__(self, term: nn.Module, solve: nn.Module, weight: float, sign: int = 1, diagonal: float = 0.0):
        super().__init__(term, weight, sign, diagonal)
        self.solve = solve

    def rate(self, V: Tensor) -> Tensor:
        return self.solve(self.term(V))


class ReversibleChain(nn.Module):
    """Couplings one after the other; their intermediate states are rebuilt in the backward pass instead of stored.

    Attribute rebuild: False lets ordinary autograd store every state (faster, memory grows with the number of steps).
    Properties: both ways give the same gradients up to rounding; statistics of batch normalisation are counted once.
    Works under autocast, gradient accumulation, DDP; under torch.compile the rebuilding part stays eager (a graph break).
    """

    def __init__(self, couplings: list[Coupling]):
        super().__init__()
        self.couplings = nn.ModuleList(couplings)
        self.rebuild = True

    def forward(self, U: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
        if self.rebuild and torch.is_grad_enabled():
            return _rebuilding(U, V, self.couplings)
        for coupling in self.couplings:
            U, V = coupling(U, V)
        return U, V

    def inverse(self, V: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
        """The pair before the chain from the pair behind it. Batch normalisation must be in evaluation mode."""
        for coupling in reversed(self.couplings):
            V, W = coupling.inverse(V, W)  # type: ignore[operator]
        return V, W


@torch.compiler.disable(reason="states are rebuilt by an autograd function of its own")
def _rebuilding(U: Tensor, V: Tensor, couplings: nn.ModuleList) -> tuple[Tensor, Tensor]:
    parameters = [p for p in couplings.parameters() if p.requires_grad]
    return _Rebuild.apply(couplings, U, V, *parameters)


class _Rebuild(torch.autograd.Function):
    """Keeps the last pair only. Backward: g(V) is computed once more with its graph, and serves twice: its value rebuilds
    U = s·(W - g(V)), its graph carries the gradient. So it costs one forward pass more than ordinary autograd."""

    @staticmethod
    def forward(ctx: Any, couplings: nn.ModuleList, U: Tensor, V: Tensor, *parameters: Tensor):
        ctx.couplings = couplings
        ctx.autocast = _autocast_settings(U.device.type)
        for coupling in couplings:
            U, V = coupling(U, V)
        ctx.save_for_backward(U, V)
        return U, V

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_V: Tensor, grad_W: Tensor):
        V, W = ctx.saved_tensors
        # Room for what stays is made before the loop: small tensors that are born among large ones which go cut the freed
        # memory into pieces that the next step cannot use, and the process would grow with every step.
        gradients = {p: torch.empty_like(p) for p in ctx.couplings.parameters() if p.requires_grad}
        unused: set[nn.Parameter] = set()
        with torch.autocast(**ctx.autocast), _without_counting(ctx.couplings):
            for coupling in reversed(ctx.couplings):
                own = [p for p in coupling.parameters() if p.requires_grad]
                with torch.enable_grad():
                    V_in = V.detach().requires_grad_()
                    g = coupling.g(V_in)
                from_g, *of_own = torch.autograd.grad(
                    g,
                    (V_in, *own),
                    grad_W.to(g.dtype),
                    allow_unused=True,  # a solve may be switched off
                )
                for parameter, gradient in zip(own, of_own, strict=True):
                    if gradient is None:
                        unused.add(parameter)
                    else:
                        gradients[parameter].copy_(gradient)
                V, W = coupling.undo(W, g.detach()), V
                grad_V, grad_W = (grad_W if coupling.sign > 0 else -grad_W), grad_V + from_g
        return None, grad_V, grad_W, *(None if p in unused else gradient for p, gradient in gradients.items())


def _autocast_settings(device: str) -> dict[str, Any]:
    enabled = torch.is_autocast_enabled(device)
    return {"device_type": device, "dtype": torch.get_autocast_dtype(device), "enabled": enabled}


class _without_counting:
    """Batch normalisation in training mode keeps normalising by the batch but leaves its running statistics alone."""

    def __init__(self, modules: nn.Module):
        self.norms = [m for m in modules.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]

    def __enter__(self) -> None:
        for norm in self.norms:
            norm.track_running_stats = False

    def __exit__(self, *_: object) -> None:
        for norm in self.norms:
            norm.track_running_stats = True


def store_states(network: nn.Module, stored: bool = True) -> None:
    """Choose ordinary autograd (stored) or rebuilding for every reversible part of a network."""
    for module in network.modules():
        if isinstance(module, ReversibleChain):
            module.rebuild = not stored
