"""Networks of segmentation-models-pytorch behind the same contract, so that peers train in the very same pipeline; and one of
torchvision, smp:LRASPP:mobilenet_v3_large, which is what people put on phones.

The networks of both are known to this file and imexseg/smp.py alone; the losses to training/losses.py.
"""

import warnings
from typing import Any

import torch
from torch import Tensor

from imexseg.errors import UsageError
from imexseg.models.config import ImageConfig
from imexseg.models.contract import ImageNetwork, can_take
from imexseg.models.pretrained import lite0_weights
from imexseg.settings import did_you_mean

PREFIX = "smp:"
NON_COMMERCIAL = ("mit_",)  # encoders whose licence forbids commercial use (NVIDIA Source Code License for SegFormer)


LRASPP = "LRASPP"  # Howard et al. 2019, arXiv:1905.02244; torchvision has it with one encoder
LRASPP_ENCODER = "mobilenet_v3_large"
LITE0_ENCODER = "tu-tf_efficientnet_lite0"


class PeerConfig(ImageConfig):
    """An architecture and an encoder by the names they have in segmentation-models-pytorch."""

    architecture: str
    encoder: str
    pretrained: bool = False  # begin with an encoder trained on ImageNet: of a package for lite0, else downloaded once

    @property
    def begins_pretrained(self) -> bool:
        return self.pretrained

    @property
    def licence_to_accept(self) -> str | None:
        if self.encoder.startswith(NON_COMMERCIAL):
            return "NVIDIA Source Code License for SegFormer: research and evaluation only, no commercial use"
        return None


class PeerNetwork(ImageNetwork):
    """Raw pixel values in, logits out, through a network of segmentation-models-pytorch with random weights.

    Raises: UsageError if there is no such architecture or encoder, or if the two do not go together.
    """

    config: PeerConfig

    def __init__(self, config: PeerConfig):
        network = _build(config)
        # Its own stride would do, but some decoders ask for more than their encoder.
        super().__init__(config, 32 if config.architecture == LRASPP else max(32, network.encoder.output_stride))
        self.network = network

    def logits(self, image: Tensor) -> Tensor:
        out = self.network(image)
        return out["out"] if isinstance(out, dict) else out  # torchvision's way to answer

    def take_pretrained(self) -> None:
        """The encoder's weights of ImageNet. Raises: UsageError if there are none, or they cannot be had."""
        config = self.config
        if config.encoder == LITE0_ENCODER:
            lite0_weights(self.network.encoder, config.in_channels)
        elif config.architecture == LRASPP:
            raise UsageError(f"network: pretrained cannot be used with {LRASPP}; leave it out")
        else:
            self.network.encoder.load_state_dict(_from_hub(self))

    @property
    def smallest_exported_side(self) -> int:
        return self.total_stride if self.config.long_side is None else 1

    def require_size(self, size: tuple[int, int]) -> None:
        reason = can_take(self, size)
        if reason is not None:
            raise UsageError(
                f"model smp:{self.config.architecture}:{self.config.encoder}: cannot take images of {size[1]} x {size[0]} px "
                f"({reason}); use larger images, or another architecture such as Unet or FPN"
            )


def is_peer(model: str) -> bool:
    return model.startswith(PREFIX)


def peer_settings(model: str) -> dict[str, Any]:
    """The settings of PeerConfig that "smp:ARCHITECTURE:ENCODER" stands for.

    Raises: UsageError if the name does not have that form, or names nothing that exists.
    """
    parts = model.split(":")
    if len(parts) != 3 or not all(parts):
        raise UsageError(f"model {model!r}: expected smp:ARCHITECTURE:ENCODER, for instance smp:Unet:resnet18")
    architecture, encoder = _architecture(parts[1]), parts[2]
    if architecture == LRASPP and encoder != LRASPP_ENCODER:
        raise UsageError(
            f"{LRASPP} cannot take the encoder {encoder}; torchvision has it as smp:{LRASPP}:{LRASPP_ENCODER}"
        )
    if architecture != LRASPP:
        _check_encoder(encoder)
    return {"architecture": architecture, "encoder": encoder}


def _architectures() -> dict[str, Any]:
    import segmentation_models_pytorch as smp

    return {kind.__name__: kind for kind in smp.MODEL_ARCHITECTURES_MAPPING.values()}


def _architecture(name: str) -> str:
    known = [*_architectures(), LRASPP]
    matches = [key for key in known if key.lower() == name.lower()]
    if not matches:
        raise UsageError(f"unknown architecture {name[:80]!r}{did_you_mean(name, known)} Known: {', '.join(known)}")
    return matches[0]


def _check_encoder(name: str) -> None:
    import timm
    from segmentation_models_pytorch.encoders import encoders

    known = [f"tu-{model}" for model in timm.list_models()] if name.startswith("tu-") else list(encoders)
    if name.split(".")[0] not in known:
        raise UsageError(f"unknown encoder {name[:80]!r}{did_you_mean(name, known)} Names with tu- are those of timm")


def _build(config: PeerConfig) -> Any:
    if config.architecture == LRASPP:
        return _lraspp(config)
    # The settings may stand in a weights file of a stranger: a name that timm would look up on a hub is none of its models.
    kind = _architectures()[_architecture(config.architecture)]
    _check_encoder(config.encoder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return kind(
                config.encoder, encoder_weights=None, in_channels=config.in_channels, classes=config.num_classes
            )
    except (ValueError, KeyError, NotImplementedError, RuntimeError, AttributeError, TypeError, IndexError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(
            f"{config.architecture} cannot take the encoder {config.encoder} ({reason[:200]}); try smp:Unet:{config.encoder}"
        ) from None


def _from_hub(network: PeerNetwork) -> dict[str, Tensor]:
    """What the library downloads for an encoder of this kind. Raises: UsageError with its reason."""
    config = network.config
    options = {"in_channels": config.in_channels, "depth": len(network.network.encoder.out_channels) - 1}
    try:
        from segmentation_models_pytorch.encoders import get_encoder

        return get_encoder(config.encoder, weights="imagenet", **options).state_dict()
    except Exception as error:  # of urllib, of the hub's client, of the library itself
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"model smp:{config.architecture}:{config.encoder}: its ImageNet weights cannot be obtained ({reason}); begin with "
            f"random ones, network: {{pretrained: false}}, or take smp:{config.architecture}:{LITE0_ENCODER}, whose weights "
            "come as a package"
        ) from None


def _lraspp(config: PeerConfig) -> Any:
    from torchvision.models.segmentation import lraspp_mobilenet_v3_large

    network = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=config.num_classes)
    first = network.backbone["0"][0]
    network.backbone["0"][0] = torch.nn.Conv2d(config.in_channels, first.out_channels, 3, 2, 1, bias=False)
    return network
