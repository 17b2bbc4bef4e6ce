"""The backward pass of a reversible chain, for which no state was stored: each is rebuilt from the one behind it."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from imexseg.layers.schemes import Rate, Scheme

Steps: TypeAlias = Sequence[Sequence[nn.Module]]


@torch.compiler.disable(reason="states are rebuilt by an autograd function of its own")
def rebuilding(steps: Steps, scheme: Scheme, U: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
    """The pair behind all steps. Args: steps: scheme.n_rates right-hand sides each; U, V: (B, C, H, W)."""
    return _Rebuild.apply(steps, scheme, U, V, *_trained(steps))


def _trained(steps: Steps) -> list[nn.Parameter]:
    return [p for step in steps for rate in step for p in rate.parameters() if p.requires_grad]


class _Rebuild(torch.autograd.Function):
    """Keeps the last pair only. Backward, step by step: the scheme's own inverse evaluates every f once more, with its graph;
    then the step itself runs with those values in the place of f, and carries the gradient through their graphs. So it costs
    one forward pass more than ordinary autograd."""

    @staticmethod
    def forward(ctx: Any, steps: Steps, scheme: Scheme, U: Tensor, V: Tensor, *parameters: Tensor):
        ctx.steps, ctx.scheme = steps, scheme
        ctx.autocast = _autocast_settings(U.device.type)
        for step in steps:
            U, V = scheme.advance(U, V, *step)
        ctx.save_for_backward(U, V)
        return U, V

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_U: Tensor, grad_V: Tensor):
        U, V = ctx.saved_tensors
        steps, scheme = ctx.steps, ctx.scheme
        # Room for what stays is made before the loop: small tensors that are born among large ones which go cut the freed
        # memory into pieces that the next step cannot use, and the process would grow with every step.
        gradients = {p: torch.empty_like(p) for p in _trained(steps)}
        used: set[nn.Parameter] = set()
        with _without_counting(steps):
            for step in reversed(steps):
                seen = [_Evaluation(rate) for rate in step]
                with torch.autocast(**ctx.autocast):
                    before = scheme.undo(U, V, *(evaluation.evaluate for evaluation in seen))
                    U, V = (state.detach().requires_grad_() for state in before)
                    with torch.enable_grad():
                        behind = scheme.advance(U, V, *(evaluation.replay for evaluation in seen))
                # Outside autocast, as ordinary autograd: a solve is in float32 in both directions.
                grad_U, grad_V = torch.autograd.grad(behind, (U, V), (grad_U, grad_V))
                for evaluation in seen:
                    for parameter, gradient in evaluation.gradients.items():
                        gradients[parameter].copy_(gradient)
                        used.add(parameter)
        return None, None, grad_U, grad_V, *(gradient if p in used else None for p, gradient in gradients.items())


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

    def __init__(self, steps: Steps):
        modules = [module for step in steps for rate in step for module in rate.modules()]
        self.norms = [m for m in modules if isinstance(m, _BatchNorm) and m.track_running_stats]

    def __enter__(self) -> None:
        for norm in self.norms:
            norm.track_running_stats = False

    def __exit__(self, *_: object) -> None:
        for norm in self.norms:
            norm.track_running_stats = True
