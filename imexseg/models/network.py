"""The segmentation network: normalise → opening → stages of time steps → classifier, for images of any size."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.layers.dynamics import FlowSettings, build_flow
from imexseg.layers.norms import NORMS
from imexseg.models.config import ImageConfig, NetworkConfig
from imexseg.models.info import ModelInfo
from imexseg.numerics.scaling import scale_back, scale_image, seen_size


class ImageNetwork(nn.Module):
    """Raw pixel values in, logits out. Subclasses say how, in `logits`.

    Shapes: (B, in_channels, H, W), the numbers that stand in the image file, as float → (B, num_classes, H, W). Any H
    and W of at least one pixel: the last row and column are repeated up to a multiple of the stride, and the logits
    cropped back. The normalisation (x - mean) / std and the scaling to long_side are part of the network: nothing that runs
    it can get them wrong.
    """

    info: ModelInfo  # of a trained network, set by load()
    config: ImageConfig
    total_stride: int
    mean: Tensor
    std: Tensor

    def __init__(self, config: ImageConfig, total_stride: int):
        super().__init__()
        self.config = config
        self.total_stride = total_stride
        self.register_buffer("mean", torch.tensor(config.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(1, -1, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        return self.finished(self.logits(self.prepared(image)), (height, width))

    def prepared(self, image: Tensor) -> Tensor:
        """What logits takes: scaled, normalised, extended. Shapes: (B, in_channels, H, W), raw → (B, in_channels, H', W')."""
        height, width = image.shape[-2:]
        seen = scale_image(image, self._seen(height, width))
        return self.pad_to_stride((seen - self.mean) / self.std)

    def finished(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Cropped and scaled back to the size of the image. Shapes: (B, num_classes, H', W') → (B, num_classes, *size)."""
        height, width = self._seen(*size)
        cropped = logits[..., :height, :width]
        return cropped if self.config.long_side is None else scale_back(cropped, size)

    def _seen(self, height: int, width: int) -> tuple[int, int]:
        """The size at which the network sees an image."""
        if self.config.long_side is None:
            return height, width
        return seen_size(height, width, self.config.long_side, self.smallest_side)

    def at_own_scale(self, image: Tensor) -> Tensor:
        """As forward, for images that have the scale of long_side already, or are pieces of such: what training calls."""
        height, width = image.shape[-2:]
        return self.logits(self.pad_to_stride((image - self.mean) / self.std))[..., :height, :width]

    @property
    def smallest_side(self) -> int:
        """Pixels: the coarsest grid needs two points a side, where adjoints and neighbours differ from each other."""
        return 2 * self.total_stride

    def logits(self, image: Tensor) -> Tensor:
        """Shapes: (B, in_channels, H, W), normalised, H and W multiples of the stride → (B, num_classes, H, W)."""
        raise NotImplementedError

    def pad_to_stride(self, image: Tensor) -> Tensor:
        """Extend below and to the right to a multiple of the stride, by repeating the last row and column."""
        # Not -side % stride: written so, the exporter finds that the padded side is a multiple, and so are those of all grids.
        stride = self.total_stride
        below, right = ((side + stride - 1) // stride * stride - side for side in image.shape[-2:])
        return F.pad(image, (0, right, 0, below), mode="replicate")


class Stage(nn.Module):
    """Connecting layer (1×1, N, σ, average of 2×2), then n time steps. Shapes: (B, C⁻, H, W) → (B, C, H/2, W/2).

    Args: in_channels: C⁻; None for the first stage, which has no connecting layer.
    """

    def __init__(self, settings: FlowSettings, in_channels: int | None, pool: bool):
        super().__init__()
        self.connecting: nn.Module = nn.Identity()
        if in_channels is not None:
            layers = [
                nn.Conv2d(in_channels, settings.channels, 1, bias=False),
                settings.closing_norm(),
                nn.ReLU(),
                nn.AvgPool2d(2) if pool else nn.Identity(),
            ]
            self.connecting = nn.Sequential(*layers)
        self.steps = build_flow(settings)

    def forward(self, Y: Tensor) -> Tensor:
        return self.steps(self.connecting(Y))


class Backbone(nn.Module):
    """Opening and stages. Shapes: (B, in_channels, H, W) → for each stage k (B, C_k, H/s_k, W/s_k), finest first."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        stages = config.stages
        norm = NORMS[config.norm](stages[0].channels)
        # A plain convolution first: what adapts networks to other numbers of channels looks for it.
        first = nn.Conv2d(config.in_channels, stages[0].channels, bias=False, **sampling(config.stride))
        self.opening = nn.Sequential(first, norm, nn.ReLU())
        widths = [None, *(stage.channels for stage in stages)]
        self.stages = nn.ModuleList(
            Stage(stage, width, config.pool) for stage, width in zip(stages, widths, strict=False)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        Y = self.opening(image)
        features = []
        for stage in self.stages:
            Y = stage(Y)
            features.append(Y)
        return features


class AdditivePyramid(nn.Module):
    """Y = M₀F₀ + up(M₁F₁ + up(M₂F₂ + …)), M_k a 1×1 map to one width, up bilinear to twice the size.

    Shapes: [(B, C_k, H/2ᵏ, W/2ᵏ)] → (B, channels, H, W).
    """

    def __init__(self, widths: list[int], channels: int):
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in widths)

    def forward(self, features: list[Tensor]) -> Tensor:
        Y = self.laterals[-1](features[-1])
        for lateral, feature in zip(self.laterals[-2::-1], features[-2::-1], strict=True):
            if feature.shape[-2:] != Y.shape[-2:]:
                Y = F.interpolate(Y, scale_factor=2.0, mode="bilinear", align_corners=False)
            Y = Y + lateral(feature)
        return Y


class BilinearClassifier(nn.Module):
    """1×1 map to the classes, then bilinear to `stride` times the size: few weights, where those of kernels over 2·stride
    pixels would be most of a small network's. Shapes: (B, C, H, W) → (B, num_classes, stride·H, stride·W).
    """

    def __init__(self, channels: int, num_classes: int, stride: int):
        super().__init__()
        self.map = nn.Conv2d(channels, num_classes, 1)
        self.stride = stride

    def forward(self, Y: Tensor) -> Tensor:
        return F.interpolate(self.map(Y), scale_factor=float(self.stride), mode="bilinear", align_corners=False)


class SegmentationNetwork(ImageNetwork):
    """The networks of this project; every choice stands in NetworkConfig."""

    config: NetworkConfig

    def __init__(self, config: NetworkConfig):
        super().__init__(config, config.total_stride)
        self.backbone = Backbone(config)
        widths = [stage.channels for stage in config.stages]
        several = config.pyramid and len(widths) > 1
        self.pyramid = AdditivePyramid(widths, widths[0]) if several else None
        self.refinement = build_flow(config.refinement) if config.refine_steps else nn.Identity()
        last = widths[0] if several else widths[-1]
        stride = config.stride if several else config.total_stride
        self.classifier: nn.Module
        if config.classifier == "bilinear":
            self.classifier = BilinearClassifier(last, config.num_classes, stride)
        else:
            self.classifier = nn.ConvTranspose2d(last, config.num_classes, **sampling(stride))

    def logits(self, image: Tensor) -> Tensor:
        features = self.backbone(image)
        merged = self.pyramid(features) if self.pyramid is not None else features[-1]
        return self.classifier(self.refinement(merged))


def sampling(stride: int) -> dict[str, Any]:
    """Kernels of twice the stride overlap by half: neighbouring outputs share pixels, no checkerboard."""
    if stride == 1:
        return {"kernel_size": 3, "stride": 1, "padding": 1}
    return {"kernel_size": 2 * stride, "stride": stride, "padding": stride // 2}
