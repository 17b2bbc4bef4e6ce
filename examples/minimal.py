"""IMEX networks in one file: the equation, the network, the data and the training loop, in plain torch.

    python examples/minimal.py

trains two networks of equal width and depth on Q-tips, one with the implicit solve and one without. The class of a bar depends
on both of its ends, so a pixel in the middle can only be labelled by a network that sees that far. Nothing of imexseg is used but
the generator; what the library adds (other boundaries, cheaper operators, reversible steps, ...) is in imexseg/layers.
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.data_gen import CLASS_NAMES, QTips

N_CLASSES = len(CLASS_NAMES)


class ExplicitTerm(nn.Module):
    """f(Y) = -Kᵀ σ(N(K Y)), with K a 3×3 convolution and N batch normalisation: the layer pulls states together, never apart."""

    def __init__(self, channels: int):
        super().__init__()
        self.K = nn.Parameter(torch.randn(channels, channels, 3, 3) / (3 * channels**0.5))
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, Y: Tensor) -> Tensor:
        Z = F.relu(self.norm(F.conv2d(Y, self.K, padding=1)))
        return -F.conv_transpose2d(Z, self.K, padding=1)


class ImplicitSolve(nn.Module):
    """X ↦ (I + hL)⁻¹ X, with L = -α ∂² for each channel, on a periodic grid, where the Fourier transform makes L diagonal.

    α (pixels² per unit of time) is learnt. A solve spreads what a pixel knows over about √(hα) pixels, in one layer and for
    any α: the eigenvalues of L are ≥ 0, so those of (I + hL)⁻¹ lie in (0, 1].
    """

    def __init__(self, channels: int, h: float):
        super().__init__()
        self.h = h
        lengths = torch.logspace(0, np.log10(24), channels)  # channels start with a reach of 1 to 24 pixels
        self.log_alpha = nn.Parameter(2 * lengths.log())

    def forward(self, X: Tensor) -> Tensor:
        height, width = X.shape[-2:]
        rows = (
            4 * torch.sin(torch.pi * torch.fft.fftfreq(height)) ** 2
        )  # -∂² of the wave with k periods is 4 sin²(πk/n)
        columns = 4 * torch.sin(torch.pi * torch.fft.rfftfreq(width)) ** 2
        eigenvalues = self.log_alpha.exp()[:, None, None] * (rows[:, None] + columns)
        return torch.fft.irfft2(torch.fft.rfft2(X) / (1 + self.h * eigenvalues), s=(height, width))


class ImexStep(nn.Module):
    """(I + hL) Y⁺ = Y + hLY + h f(Y), which is Y⁺ = Y + h (I + hL)⁻¹ f(Y). Without the solve: forward Euler, a ResNet layer."""

    def __init__(self, channels: int, h: float, implicit: bool):
        super().__init__()
        self.h = h
        self.f = ExplicitTerm(channels)
        self.solve = ImplicitSolve(channels, h) if implicit else nn.Identity()

    def forward(self, Y: Tensor) -> Tensor:
        return Y + self.h * self.solve(self.f(Y))


def make_network(implicit: bool, channels: int = 24, n_steps: int = 5, h: float = 1.0) -> nn.Sequential:
    """Grey images (B, 1, H, W) → logits (B, N_CLASSES, H, W): halve the grid, n steps, and back to the pixels."""
    opening = [nn.Conv2d(1, channels, 4, stride=2, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
    steps = [ImexStep(channels, h, implicit) for _ in range(n_steps)]
    return nn.Sequential(*opening, *steps, nn.ConvTranspose2d(channels, N_CLASSES, 4, stride=2, padding=1))


def load_images(split: str, count: int) -> tuple[Tensor, Tensor]:
    """Images (count, 1, 64, 64), about 0 ± 1, and masks (count, 64, 64) with class numbers."""
    source = QTips("authors", split=split)
    images, masks = zip(*(source[index] for index in range(count)), strict=True)
    return (torch.tensor(np.stack(images)).float()[:, None] - 64) / 64, torch.tensor(np.stack(masks)).long()


def train(network: nn.Module, images: Tensor, masks: Tensor, epochs: int, batch: int = 8) -> None:
    """Cross-entropy, AdamW, one cycle of the learning rate. The background covers nine tenths: classes are weighted."""
    share = torch.bincount(masks.flatten(), minlength=N_CLASSES) / masks.numel()
    weight = share**-0.5 / (share**-0.5).mean()
    optimizer = torch.optim.AdamW(network.parameters())
    steps = epochs * (len(images) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.02, total_steps=steps)
    network.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(images)).split(batch)[: len(images) // batch]:
            loss = F.cross_entropy(network(images[chosen]), masks[chosen], weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


@torch.no_grad()
def mean_iou(network: nn.Module, images: Tensor, masks: Tensor) -> float:
    """Mean over the classes of intersection over union, from the pixels of all images together."""
    network.eval()
    predicted = torch.cat([network(part).argmax(1) for part in images.split(64)])
    pairs = torch.bincount((N_CLASSES * masks + predicted).flatten(), minlength=N_CLASSES**2)
    confusion = pairs.view(N_CLASSES, N_CLASSES)  # rows: truth, columns: prediction
    union = confusion.sum(0) + confusion.sum(1) - confusion.diag()
    return float((confusion.diag() / union).nanmean())


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train with the solve and without it. Returns: the validation mIoU of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=512, help="training images (default: 512)")
    parser.add_argument("--epochs", type=int, default=5, help="(default: 5)")
    options = parser.parse_args(arguments)
    training, validation = load_images("train", options.images), load_images("val", 64)
    scores = {}
    for name, implicit in (("with the solve", True), ("without it", False)):
        torch.manual_seed(0)
        network = make_network(implicit)
        train(network, *training, options.epochs)
        scores[name] = mean_iou(network, *validation)
        print(f"{name:14}  {sum(p.numel() for p in network.parameters())} parameters, mIoU {scores[name]:.3f}")
    return scores


if __name__ == "__main__":
    main()
