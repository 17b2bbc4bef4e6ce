"""Reversible steps: the state is a pair, and the pair before a step can be computed from the pair behind it.

    Verlet     Y⁺ = Y + h f₁(Z), Z⁺ = Z + h f₂(Y⁺)     two right-hand sides a step
    leapfrog   Y⁺ = 2Y - Y⁻ + h² f(Y)                  one

are the functions of numerics/timestep.py, in layers/schemes.py with their inverses. A solve in f changes nothing of that:
(I + hL)⁻¹ f is just another f.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from imexseg.layers.implicit import ImplicitSolve
from imexseg.layers.schemes import Rate, Scheme
from imexseg.layers.terms import Term


class Coupling(nn.Module):
    """A right-hand side of a reversible scheme: f, or (I + hL)⁻¹ f. Shapes: (B, C, H, W) → the same."""

    def __init__(self, term: Term, solve: ImplicitSolve | None = None):
        super().__init__()
        self.term = term
        self.solve = solve

    def forward(self, V: Tensor) -> Tensor:
        f = self.term(V)
        return f if self.solve is None else self.solve(f)


class ReversibleChain(nn.Module):
    """Steps of one scheme; their intermediate states are rebuilt in the backward pass instead of stored.

    Args: couplings: scheme.n_rates for each step, in the order of evaluation.
    Attribute rebuild: False lets ordinary autograd store every state (faster, memory grows with the number of steps).
    Properties: both ways give the same gradients up to rounding; statistics of batch normalisation are counted once.
    Works under autocast, gradient accumulation, DDP; under torch.compile the rebuilding part stays eager (a graph break).
    """

    def __init__(self, couplings: list[Coupling], scheme: Scheme):
        super().__init__()
        self.couplings = nn.ModuleList(couplings)
        self.scheme = scheme
        self.rebuild = True

    def steps(self) -> list[list[Coupling]]:
        """The couplings of each step."""
        couplings, n = list(self.couplings), self.scheme.n_rates
        return [couplings[k : k + n] for k in range(0, len(couplings), n)]  # type: ignore[misc]

    def forward(self, U: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
        if self.rebuild and torch.is_grad_enabled():
            return _rebuilding(self, U, V)
        for step in self.steps():
            U, V = self.scheme.advance(U, V, *step)
        return U, V

    def inverse(self, U: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
        """The pair before the chain from the pair behind it. Batch normalisation must be in evaluation mode."""
        for step in reversed(self.steps()):
            U, V = self.scheme.undo(U, V, *step)
        return U, V


@torch.compiler.disable(reason="states are rebuilt by an autograd function of its own")
def _rebuilding(chain: ReversibleChain, U: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
    return _Rebuild.apply(chain, U, V, *(p for p in chain.parameters() if p.requires_grad))


class _Rebuild(torch.autograd.Function):
    """Keeps the last pair only. Backward, step by step: the scheme's own inverse evaluates every f once more, with its graph;
    then the step itself runs with those values in the place of f, and carries the gradient through their graphs. So it costs
    one forward pass more than ordinary autograd."""

    @staticmethod
    def forward(ctx: Any, chain: ReversibleChain, U: Tensor, V: Tensor, *parameters: Tensor):
        ctx.chain = chain
        ctx.autocast = _autocast_settings(U.device.type)
        for step in chain.steps():
            U, V = chain.scheme.advance(U, V, *step)
        ctx.save_for_backward(U, V)
        return U, V

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_U: Tensor, grad_V: Tensor):
        U, V = ctx.saved_tensors
        chain: ReversibleChain = ctx.chain
        # Room for what stays is made before the loop: small tensors that are born among large ones which go cut the freed
        # memory into pieces that the next step cannot use, and the process would grow with every step.
        gradients = {p: torch.empty_like(p) for p in chain.parameters() if p.requires_grad}
        used: set[nn.Parameter] = set()
        with torch.autocast(**ctx.autocast), _without_counting(chain):
            for step in reversed(chain.steps()):
                seen = [_Evaluation(coupling) for coupling in step]
                before = chain.scheme.undo(U, V, *(evaluation.evaluate for evaluation in seen))
                U, V = (state.detach().requires_grad_() for state in before)
                with torch.enable_grad():
                    behind = chain.scheme.advance(U, V, *(evaluation.replay for evaluation in seen))
                grad_U, grad_V = torch.autograd.grad(behind, (U, V), (grad_U, grad_V))
                for evaluation in seen:
                    for parameter, gradient in evaluation.gradients.items():
                        gradients[parameter].copy_(gradient)
                        used.add(parameter)
        return None, grad_U, grad_V, *(gradient if p in used else None for p, gradient in gradients.items())


class _Evaluation:
    """One evaluation of f: its value serves twice, to rebuild the state before and to carry the gradient back."""

    def __init__(self, rate: nn.Module):
        self.rate: Rate = rate
        self.parameters = [p for p in rate.parameters() if p.requires_grad]
        self.gradients: dict[nn.Parameter, Tensor] = {}

    def evaluate(self, X: Tensor) -> Tensor:
        with torch.enable_grad():
            self.at = X.detach().requires_grad_()
            self.value = self.rate(self.at)
        return self.value.detach()

    def replay(self, X: Tensor) -> Tensor:
        """The same value, as a function of X."""
        return _Replay.apply(X, self)

    def backward(self, G: Tensor) -> Tensor:
        from_value, *of_parameters = torch.autograd.grad(
            self.value,
            (self.at, *self.parameters),
            G,
            allow_unused=True,  # a solve may be switched off
        )
        self.gradients = {p: g for p, g in zip(self.parameters, of_parameters, strict=True) if g is not None}
        return from_value


class _Replay(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, X: Tensor, evaluation: _Evaluation) -> Tensor:
        ctx.evaluation = evaluation
        return evaluation.value.detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, G: Tensor):
        return ctx.evaluation.backward(G), None


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
