"""The networks of this project: normalise → opening → stages of time steps → classifier, for images of any size."""

import math
from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.layers.dynamics import build_flow
from imexseg.layers.flow_settings import FlowSettings
from imexseg.layers.flows import Flow
from imexseg.layers.grid import GridChange
from imexseg.layers.norms import NORMS
from imexseg.models.config import ImageConfig
from imexseg.models.contract import ImageNetwork, PlacedFlow
from imexseg.models.network_config import NetworkConfig
from imexseg.models.prolongation import to_finer_grid, to_finer_time


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

    def steps(self) -> list[Flow]:
        """The time steps of every stage, finest first."""
        return [stage.steps for stage in self.stages]  # type: ignore[misc]


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

    def flows(self) -> list[PlacedFlow]:
        strides = self.config.strides
        placed = [PlacedFlow(steps, stride) for steps, stride in zip(self.backbone.steps(), strides, strict=True)]
        if isinstance(self.refinement, Flow):
            placed.append(PlacedFlow(self.refinement, strides[0], refines=True))
        return placed

    def field_of_view(self) -> int | None:
        """Followed backwards from one pixel, n points wide on the grid it is at: the classifier's overlapping kernels, or its
        interpolation, need 2 points; interpolation to twice the size needs n//2 + 2 of the coarser grid; each step adds its
        rings on both sides; pooling doubles; the opening's overlapping kernels, 2·stride wide, end it. Exact for one scale;
        with several an upper bound, less than one total stride too large.
        """
        config = self.config
        if config.implicit:
            return None
        pooled = config.n_stages - 1 if config.pool else 0
        alone = 1 if config.classifier == "bilinear" else 3
        n = 2 if config.stride > 1 or (pooled and not config.pyramid) else alone
        *stages, last = self.flows()
        if last.refines:
            n += last.flow.seen()
        else:
            stages.append(last)
        if config.pyramid:
            for _ in range(pooled):
                n = n // 2 + 2
        for k, placed in reversed(list(enumerate(stages))):
            n += placed.flow.seen()
            if k > 0 and config.pool:
                n *= 2
        return config.stride * (n - 1) + (2 * config.stride if config.stride > 1 else 3)

    def reach(self) -> int:
        view = self.field_of_view()
        return math.ceil(view / 2) if view is not None else max(placed.reach() for placed in self.flows())

    def change_grid(self, change: GridChange) -> None:
        """Of opening and classifier, which change the resolution and are carried over as they are, those that do not."""
        for layer in (self.backbone.opening[0], self.classifier):
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.stride == (1, 1):
                layer.weight.copy_(change.kernel(layer.weight))

    def on_finer_images(self, config: ImageConfig) -> ImageNetwork:
        to_finer_grid(self)
        if config == self.config:
            return self
        finer = SegmentationNetwork(cast(NetworkConfig, config))
        to_finer_time(self, finer)
        return finer


def sampling(stride: int) -> dict[str, Any]:
    """Kernels of twice the stride overlap by half: neighbouring outputs share pixels, no checkerboard."""
    if stride == 1:
        return {"kernel_size": 3, "stride": 1, "padding": 1}
    return {"kernel_size": 2 * stride, "stride": stride, "padding": stride // 2}
