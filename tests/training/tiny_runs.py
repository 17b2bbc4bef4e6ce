"""Runs in this very process, with networks that train in a second."""

import io
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from imexseg.training.config import RunConfig
from imexseg.training.fit import TrainedRun, fit, look_at_data
from imexseg.training.run_folder import create_run_folder

TINY = {"width": 4, "n_steps": 2, "norm": "tv"}


def train(
    folder: Path,
    data: Path,
    *,
    network: dict[str, Any] = TINY,
    resume: bool = False,
    said: io.StringIO | None = None,
    **settings: Any,
) -> tuple[TrainedRun, str]:
    """What was trained and what the console said. Args: said: where to keep that if the run is interrupted."""
    said = said or io.StringIO()
    config = RunConfig.model_validate(
        {"data": data, "network": network, "epochs": 1, "batch_size": 4, "accelerator": "cpu"} | settings
    )
    if not resume:
        create_run_folder(folder, config)
    trained = fit(config, folder, look_at_data(data), Console(file=said, width=300, highlight=False), resume)
    return trained, said.getvalue()


def parameters(folder: Path) -> dict[str, torch.Tensor]:
    """Of the network, after the last finished epoch."""
    state = torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]
    return {name: tensor for name, tensor in state.items() if name.startswith("network.")}
