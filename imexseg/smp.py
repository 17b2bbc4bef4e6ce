"""The multi-scale networks as encoders of segmentation-models-pytorch.

import imexseg.smp
import segmentation_models_pytorch as smp

network = smp.Unet("imex-lean-s", encoder_weights=None, in_channels=5, classes=3)

Importing this module registers them. Depth 3 to 5. Images as that library expects them, height and width multiples of
2 to the power of depth; normalisation is yours. The physics (step size, boundary, …) is bound to the name: one name
for each variant, `register` adds your own.
"""

from typing import Any

from segmentation_models_pytorch.encoders import encoders
from segmentation_models_pytorch.encoders._base import EncoderMixin
from torch import Tensor, nn

from imexseg.layers.dynamics import DYNAMICS
from imexseg.models.network import Backbone
from imexseg.models.network_config import NetworkConfig
from imexseg.models.registry import network_settings

__all__ = ["ImexEncoder", "register"]


class ImexEncoder(nn.Module, EncoderMixin):
    """Features at strides 1 (the image itself), 2, 4, …, 2^depth.

    Shapes: (B, in_channels, H, W) → list of depth + 1 tensors (B, out_channels[i], H/2ⁱ, W/2ⁱ).
    """

    def __init__(self, settings: dict[str, Any], depth: int = 5, output_stride: int = 32):
        super().__init__()
        config = NetworkConfig(**settings | {"in_channels": 3, "mean": (0.0,) * 3, "std": (1.0,) * 3})
        if not 3 <= depth <= config.n_stages:
            raise ValueError(f"encoder_depth must be 3 to {config.n_stages} for this encoder, got {depth}")
        kept = {name: value[:depth] for name, value in config.model_dump().items() if name in _lists(config)}
        config = config.model_copy(update=kept)
        self.backbone = Backbone(config)
        self._depth = depth
        self._in_channels = 3
        self._output_stride = 32
        self._out_channels = [3, *(stage.channels for stage in config.stages)]

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x, *self.backbone(x)]

    def make_dilated(self, output_stride: int) -> None:
        raise ValueError(
            "imexseg encoders cannot be dilated: a solve and its decay lengths belong to the grid they were made for, and "
            "its view is global anyway. DeepLabV3, DeepLabV3+ and PAN need dilation; Unet, UnetPlusPlus, MAnet, Linknet, "
            "FPN, PSPNet, UPerNet and Segformer do not"
        )


def _lists(config: NetworkConfig) -> set[str]:
    return {name for name, value in config if isinstance(value, tuple) and name not in ("mean", "std")}


def register(name: str, **settings: Any) -> None:
    """Add an encoder under a name. Args: settings: of NetworkConfig, with stride 2 and three to five stages.

    Raises: ValueError (pydantic.ValidationError) for settings that cannot work.
    """
    config = NetworkConfig(**settings)
    if config.stride != 2 or not config.pool or config.n_stages < 3:
        raise ValueError("an encoder needs stride 2, pooling between stages, and at least three stages")
    encoders[name] = {"encoder": ImexEncoder, "pretrained_settings": {}, "params": {"settings": settings}}


for _name in (f"{dynamics}-lean-{size}" for dynamics in DYNAMICS for size in ("s", "m")):
    register(_name, **network_settings(_name) or {})
