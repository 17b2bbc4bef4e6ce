"""Which devices a run uses, and whether they support what is asked of them."""

import os

import torch

from imexseg.errors import UsageError
from imexseg.training.config import RunConfig


def accelerator(config: RunConfig) -> str:
    """Lightning's name of the kind of device. Several processes of a machine without CUDA share its CPU."""
    if config.n_processes > 1 and not torch.cuda.is_available():
        return "cpu"
    if config.accelerator != "auto":
        return config.accelerator
    if torch.cuda.is_available():
        return "gpu"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def check_devices(config: RunConfig) -> None:
    """Raises: UsageError for a precision that the device does not have, or processes that torchrun counts otherwise."""
    kind = accelerator(config)
    wish = f"--precision {config.precision}"
    if config.precision == "16-mixed" and kind != "gpu":
        raise UsageError(f"{wish}: needs a CUDA GPU, and this run would be on {kind}; use bf16-mixed on a CPU, or 32")
    if config.precision == "bf16-mixed" and kind == "mps":
        raise UsageError(f"{wish}: needs a CUDA GPU or a CPU, and this run would be on mps; use 32")
    if config.precision == "bf16-mixed" and kind == "gpu" and not torch.cuda.is_bf16_supported(False):
        raise UsageError(f"{wish}: {torch.cuda.get_device_name()} has no bfloat16; use 16-mixed or 32")
    started = int(os.environ.get("WORLD_SIZE", config.n_processes))
    if started != config.n_processes:
        raise UsageError(
            f"--devices {config.devices} --num-nodes {config.num_nodes}: is {config.n_processes} processes, but {started} "
            "were started; give --nproc-per-node of torchrun as --devices, and its --nnodes as --num-nodes"
        )
