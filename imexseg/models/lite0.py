"""EfficientNet-lite0, trained on ImageNet, followed by time steps on its coarsest features: first local, then global.

    features at strides 4, 8, 16 (32) → 1×1, N, σ, steps on the coarsest → additive pyramid → explicit steps → classifier

Source of the encoder: Tan and Le 2019, arXiv:1905.11946, in the lite form without squeeze-and-excitation, as timm has it.
"""

from typing import Any, Literal

from pydantic import model_validator
from torch import Tensor, nn

from imexseg.layers.dynamics import build_flow
from imexseg.layers.flow_settings import FlowSettings
from imexseg.layers.flows import Flow
from imexseg.models.config import ImageConfig, PositiveFloat, Steps, Width
from imexseg.models.contract import ImageNetwork, PlacedFlow
from imexseg.models.network import AdditivePyramid, sampling
from imexseg.models.network_config import check_flow
from imexseg.models.pretrained import lite0_weights

TIMM_NAME = "tf_efficientnet_lite0"
# Of timm's seven groups of blocks: the last one at each stride, and its channels.
GROUPS = {4: (1, 24), 8: (2, 40), 16: (4, 112), 32: (6, 320)}

# Both differ in the solve alone.
LITE0: dict[str, dict[str, Any]] = {
    "imex-lite0": {"dynamics": "imex-residual"},
    "residual-lite0": {"dynamics": "residual"},
}


class Lite0Config(ImageConfig):
    """The steps behind the encoder. Units: width in channels, lengths in points of the coarsest grid."""

    encoder: Literal["efficientnet-lite0"] = "efficientnet-lite0"
    stride: Literal[16, 32] = 16  # of the coarsest features; at 32 the encoder is four times as large
    dynamics: str = "imex-residual"
    operator: str = "lean"
    width: Width = 128
    n_steps: Steps = 3
    step_size: PositiveFloat = 1.0
    shortest: PositiveFloat = 0.1  # nearly half of the channels are hardly smoothed
    longest: PositiveFloat = 12.0
    boundary: str = "zero"
    pyramid_width: Width = 48
    refine_steps: Steps = 1  # explicit, at stride 4, where the pyramid has added up coarse and fine
    pretrained: bool = True  # training begins with the weights of ImageNet

    @model_validator(mode="after")
    def _flow_that_can_be(self) -> "Lite0Config":
        check_flow(self.flow)
        return self

    @property
    def begins_pretrained(self) -> bool:
        return self.pretrained

    @property
    def flow(self) -> FlowSettings:
        return FlowSettings(
            dynamics=self.dynamics,
            operator=self.operator,
            channels=self.width,
            n_steps=self.n_steps,
            step_size=self.step_size,
            boundary=self.boundary,
            shortest=self.shortest,
            longest=self.longest,
        )

    @property
    def refinement(self) -> FlowSettings:
        """Of the steps behind the pyramid."""
        return FlowSettings("residual", self.operator, self.pyramid_width, self.refine_steps, boundary=self.boundary)


class Lite0Encoder(nn.Module):
    """Shapes: (B, in_channels, H, W) → [(B, 24, H/4, W/4), (B, 40, H/8, W/8), (B, 112, H/16, W/16), (B, 320, H/32, W/32)],
    as far as the stride; H and W multiples of it."""

    def __init__(self, in_channels: int, stride: int):
        import timm

        super().__init__()
        network: Any = timm.create_model(TIMM_NAME, pretrained=False, in_chans=in_channels)
        self.conv_stem, self.bn1 = network.conv_stem, network.bn1
        self.blocks = nn.ModuleList(network.blocks[: GROUPS[stride][0] + 1])
        self.last = {group for group, _ in GROUPS.values()}

    def forward(self, image: Tensor) -> list[Tensor]:
        Y = self.bn1(self.conv_stem(image))
        features = []
        for number, group in enumerate(self.blocks):
            Y = group(Y)
            if number in self.last:
                features.append(Y)
        return features


class Lite0Network(ImageNetwork):
    """Raw pixel values in, logits out. Random weights; `take_pretrained` fills the encoder."""

    config: Lite0Config

    def __init__(self, config: Lite0Config):
        super().__init__(config, config.stride)
        self.encoder = Lite0Encoder(config.in_channels, config.stride)
        widths = [channels for stride, (_, channels) in GROUPS.items() if stride <= config.stride]
        flow = config.flow
        self.connecting = nn.Sequential(
            nn.Conv2d(widths[-1], config.width, 1, bias=False), flow.closing_norm(), nn.ReLU()
        )
        self.steps = build_flow(flow)
        self.pyramid = AdditivePyramid([*widths[:-1], config.width], config.pyramid_width)
        self.refinement = build_flow(config.refinement) if config.refine_steps else nn.Identity()
        self.classifier = nn.ConvTranspose2d(config.pyramid_width, config.num_classes, **sampling(4))

    def logits(self, image: Tensor) -> Tensor:
        *fine, coarsest = self.encoder(image)
        return self.classifier(self.refinement(self.pyramid([*fine, self.steps(self.connecting(coarsest))])))

    def take_pretrained(self) -> None:
        """The encoder's weights of ImageNet. Raises: UsageError if their package is missing."""
        lite0_weights(self.encoder, self.config.in_channels)

    def flows(self) -> list[PlacedFlow]:
        placed = [PlacedFlow(self.steps, self.config.stride)]
        if isinstance(self.refinement, Flow):
            placed.append(PlacedFlow(self.refinement, min(GROUPS), refines=True))
        return placed

    def field_of_view(self) -> int | None:
        """An upper bound: backwards through pyramid, steps, and the encoder's convolutions."""
        if self.steps.dynamics.implicit and self.config.n_steps:
            return None
        n = 2 + (self.refinement.seen() if isinstance(self.refinement, Flow) else 0)
        for _ in self.pyramid.laterals[1:]:
            n = n // 2 + 2
        n += self.steps.seen()
        for layer in reversed([layer for layer in self.encoder.modules() if isinstance(layer, nn.Conv2d)]):
            n = layer.stride[0] * (n - 1) + layer.kernel_size[0]
        return n
