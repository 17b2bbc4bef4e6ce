"""torch's programs (.pt2) of the networks, for runtimes that do not begin with ONNX; and networks with FFTs, to compare.

python -m benchmarks.runtimes.programs runs/first runs/first/best.core.onnx      writes best.core.pt2 beside the core file
"""

import argparse
import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from imexseg.errors import UsageError
from imexseg.inference.core import read_sidecar
from imexseg.layers.solve_modes import solved_by
from imexseg.models.artefact import load
from imexseg.models.contract import ImageNetwork
from imexseg.models.weights import find_weights

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


class HartleyFilter(nn.Module):
    """One coupling of channels for all modes of a Hartley transform, as HNOSeg-XS (Wong et al. 2025, arXiv:2507.08205), uncut."""

    def __init__(self, channels: int, size: tuple[int, int]):
        super().__init__()
        self.points = size[0] * size[1]
        self.shared = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, X: Tensor) -> Tensor:
        return X + _hartley(self.shared(_hartley(X))) / self.points


def _hartley(X: Tensor) -> Tensor:
    modes = torch.fft.fft2(X)
    return modes.real - modes.imag


FFT_NETWORKS: dict[str, Callable[[int, tuple[int, int]], nn.Module]] = {
    "fft-filter": GlobalFilter,
    "fft-hartley": HartleyFilter,
}


def save_fft_network(name: str, folder: Path) -> Path:
    """A convolution, two layers of FFT_NETWORKS, a classifier. Returns: its .onnx; .pt2 and .npz lie beside it; made once."""
    path = folder / f"{name}.onnx"
    answers, stored = path.with_suffix(".npz"), path.with_suffix(".pt2")
    if path.is_file() and answers.is_file() and stored.is_file():
        return path
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1), nn.ReLU()]
    for _ in range(2):
        layers += [FFT_NETWORKS[name](16, FFT_SIZE), nn.Conv2d(16, 16, 1), nn.ReLU()]
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", help="a run folder, a .safetensors file, or the name of shipped weights")
    parser.add_argument("core", type=Path, metavar="CORE.onnx", help="exported from them with --core and --size")
    options = parser.parse_args()
    try:
        network, core = load(find_weights(options.weights)), read_sidecar(options.core).core
        assert core is not None
        if core.input_size is None:
            raise UsageError(f"{options.core}: takes any size, and a program has one; export it again with --size")
        given = np.zeros((1, network.config.in_channels, *core.input_size), np.float32)
        save_program(options.core.with_suffix(".pt2"), network, given)
    except UsageError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
