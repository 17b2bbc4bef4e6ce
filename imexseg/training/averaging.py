"""An exponential moving average of the weights, validated and kept in place of those of the last step.

Source: Polyak and Juditsky 1992, doi:10.1137/0330046; the exponential form as in Tarvainen and Valpola 2017, arXiv:1703.01780.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning as L
import torch
from torch import Tensor

from imexseg.models.contract import ImageNetwork


class WeightAverage(L.Callback):
    """W̄ ← d W̄ + (1 - d) W after each step of the optimiser, for all weights and for the statistics of normalisations.

    d begins at 0.1 and rises to `decay`, so that the random weights of the beginning do not last.
    Training goes on with W; validation sees W̄, and so does whoever asks `in_place`. last.ckpt holds both.
    """

    def __init__(self, network: ImageNetwork, decay: float):
        self.network = network
        self.decay = decay
        self.n_steps = 0
        self.average: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        return {"n_steps": self.n_steps, "average": self.average}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.n_steps, self.average = state_dict["n_steps"], state_dict["average"]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        own = self._own()
        self.average = {name: self.average.get(name, tensor).clone().to(tensor.device) for name, tensor in own.items()}

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *batch: Any) -> None:
        if trainer.global_step == self.n_steps:  # a batch whose gradients are only added up
            return
        self.n_steps = trainer.global_step
        decay = min(self.decay, self.n_steps / (self.n_steps + 9))
        with torch.no_grad():
            for name, tensor in self._own().items():
                self.average[name].lerp_(tensor, 1 - decay)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._exchange()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._exchange()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within it the network has the averages."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _own(self) -> dict[str, Tensor]:
        """Not the counters of a normalisation."""
        return {name: tensor for name, tensor in self.network.state_dict().items() if tensor.is_floating_point()}

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, tensor in self._own().items():
            kept = tensor.clone()
            tensor.copy_(self.average[name])
            self.average[name].copy_(kept)
