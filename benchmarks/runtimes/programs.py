"""torch's programs (.pt2) of the networks, for runtimes that do not begin with ONNX; and a network with FFTs, to compare."""

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from imexseg.layers.solve_modes import solved_by
from imexseg.models.contract import ImageNetwork

FFT_SIZE = (64, 64)


class Core(nn.Module):
    """The layers of a network alone. Shapes: (B, C, H', W') → (B, num_classes, H', W')."""

    def __init__(self, network: ImageNetwork):
        super().__init__()
        self.network = network

    def forward(self, normalised: Tensor) -> Tensor:
        return self.network.logits(normalised)


def save_program(path: Path, network: ImageNetwork, given: np.ndarray) -> None:
    """Args: given: an input, (1, C, H', W')."""
    example = (torch.from_numpy(given),)
    network = copy.deepcopy(network).requires_grad_(False)
    with torch.no_grad(), solved_by(network, "matmul"):
        network(
            255 * torch.rand(1, given.shape[1], *given.shape[2:])
        )  # fills the tables of the solves outside the trace
        torch.export.save(torch.export.export(Core(network).eval(), example), path)


class GlobalFilter(nn.Module):
    """A trainable number for each frequency, as the layers of GFNet (Rao et al. 2021, arXiv:2107.00645)."""

    def __init__(self, channels: int, size: tuple[int, int]):
        super().__init__()
        self.size = size
        self.weight = nn.Parameter(0.3 * torch.randn(channels, size[0], size[1] // 2 + 1, 2))

    def forward(self, X: Tensor) -> Tensor:
        return torch.fft.irfft2(
            torch.fft.rfft2(X, norm="ortho") * torch.view_as_complex(self.weight), self.size, norm="ortho"
        )


def save_fft_network(folder: Path) -> Path:
    """A convolution, two filters of the whole image, a classifier. Returns: its .onnx; .pt2 and .npz lie beside it."""
    path = folder / "fft-filter.onnx"
    answers, stored = path.with_suffix(".npz"), path.with_suffix(".pt2")
    if path.is_file() and answers.is_file() and stored.is_file():
        return path
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1), nn.ReLU()]
    for _ in range(2):
        layers += [GlobalFilter(16, FFT_SIZE), nn.Conv2d(16, 16, 1), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Conv2d(16, 10, 1)).eval().requires_grad_(False)
    given = torch.randn(4, 3, *FFT_SIZE)
    with torch.no_grad():
        np.savez(answers, given=given.numpy(), expected=network(given).numpy())
        program = torch.export.export(network, (given[:1],))
        torch.export.save(program, stored)
        written = torch.onnx.export(
            program, input_names=["normalised"], output_names=["logits"], dynamo=True, opset_version=18, verbose=False
        )
    assert written is not None
    written.save(path, external_data=False)
    return path
