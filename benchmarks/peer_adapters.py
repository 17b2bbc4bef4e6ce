"""Adapters to networks that other people published, in clones of their repositories: raw pixels in, logits out.

Nothing of them is copied or installed; benchmarks/peers.py says where the clones are and compares.
"""

import contextlib
import importlib
import importlib.util
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.errors import UsageError
from imexseg.models.build import KINDS, Kind, build_network, model_config
from imexseg.models.config import ImageConfig
from imexseg.models.contract import ImageNetwork

PREFIX = "peer:"
clones = Path("peers")  # where the clones lie; set by --peers


@dataclass(frozen=True)
class Peer:
    """Args: repository: owner/name.  module: to import from there.  build: (module, channels, classes) ↦ network.
    stride: what the sides of its images must be a multiple of.  stubs: what its file imports and does not use here."""

    repository: str
    commit: str
    licence: str
    module: str
    build: Callable[[Any, int, int], nn.Module]
    stride: int
    stubs: tuple[str, ...] = ()


def import_from(peer: Peer) -> Any:
    """A module of a clone; its names (`model`, `src`, …) are forgotten at once, since other clones have the same ones.

    Raises: UsageError if there is no such clone.
    """
    root = clones / peer.repository
    if not root.is_dir():
        raise UsageError(
            f"{root}: no such clone; git clone https://github.com/{peer.repository} there, at {peer.commit[:12]}"
        )
    top = peer.module.partition(".")[0]
    stubbed = [name for name in peer.stubs if importlib.util.find_spec(name) is None]
    with contextlib.ExitStack() as stack:
        for name in stubbed:
            stub = types.ModuleType(name)
            stub.summary = stub.rearrange = None  # type: ignore[attr-defined]
            sys.modules[name] = stub
            stack.callback(sys.modules.pop, name)
        sys.path.insert(0, str(root.resolve()))
        stack.callback(sys.path.remove, str(root.resolve()))
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        try:
            return importlib.import_module(peer.module)
        finally:
            for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
                del sys.modules[name]


class MedNCA(nn.Module):
    """Two cellular automata: one on every fourth pixel, then one on all, which begins with its states (Agent_Med_NCA).

    Whole images in training too, where the original takes pieces; the mean over the fire rate is not taken when evaluating.
    """

    def __init__(self, module: Any, channels: int, classes: int, cells: int = 16, steps: int = 64):
        super().__init__()
        self.channels, self.classes, self.cells, self.steps = channels, classes, max(cells, channels + classes), steps
        self.levels = nn.ModuleList(
            module.BackboneNCA(self.cells, 0.5, "cpu", hidden_size=128, input_channels=channels) for _ in range(2)
        )

    def forward(self, image: Tensor) -> Tensor:
        coarse = F.interpolate(image, scale_factor=0.25, mode="bilinear", antialias=True)
        state = F.pad(coarse, (0, 0, 0, 0, 0, self.cells - self.channels)).permute(0, 2, 3, 1)
        state = self.levels[0](state, steps=self.steps, fire_rate=0.5).permute(0, 3, 1, 2)
        up = F.interpolate(state, scale_factor=4, mode="nearest")[:, self.channels :]
        state = torch.cat([image, up], 1).permute(0, 2, 3, 1)
        state = self.levels[1](state, steps=self.steps, fire_rate=0.5).permute(0, 3, 1, 2)
        return state[:, self.channels : self.channels + self.classes]


class EGEUNet(nn.Module):
    """Its answer before the sigmoid, which is for one class, as are its maps for deep supervision: those are not trained on."""

    def __init__(self, module: Any, channels: int, classes: int, widths: tuple[int, ...] = (8, 16, 24, 32, 48, 64)):
        super().__init__()
        self.network = module.EGEUNet(classes, channels, list(widths))

    def forward(self, image: Tensor) -> Tensor:
        found: list[Tensor] = []
        hook = self.network.final.register_forward_hook(lambda module, given, answer: found.append(answer))
        try:
            self.network(image)
        finally:
            hook.remove()
        return F.interpolate(found[0], scale_factor=2.0, mode="bilinear", align_corners=True)


def _hnoseg(module: Any, channels: int, classes: int, filters: int = 24) -> nn.Module:
    """In 2-D, with the settings of config_hnoseg_xs.ini for height and width."""
    own = {"ndim": 4, "output_activation": lambda logits: logits}
    return module.HNOSegXS(channels, classes, filters, [3] * 8, (14, 14), **own)


_ESN, _ESN_AT = "xiaoyufenfei/Efficient-Segmentation-Networks", "0f0c32e7af3463d381cb184a158ff60e16f7fb9a"


def _of_esn(name: str, stride: int) -> Peer:
    def build(module: Any, channels: int, classes: int) -> nn.Module:
        if channels != 3:
            raise UsageError(f"{PREFIX}{name}: is written for images of three channels, found {channels}")
        return getattr(module, name)(classes)

    return Peer(_ESN, _ESN_AT, "MIT", f"model.{name}", build, stride, ("torchsummary",))


_HNOSEG = Peer(
    "IBM/multimodal-3d-image-segmentation",
    "4d2a5b2353ca795c60729997872dd47d3ba107a2",
    "Apache-2.0",
    "nets",
    _hnoseg,
    2,
)
_MED_NCA = Peer(
    "MECLabTUDA/Med-NCA",
    "a844a72a1099db165d57f2d87bbcd5afd23586cb",
    "MIT",
    "src.models.Model_BackboneNCA",
    MedNCA,
    4,
)
_EGE_UNET = Peer(
    "JCruan519/EGE-UNet",
    "f52ba30c6bf7d0ca479c2c9d4a3cbda999f49d3a",
    "Apache-2.0",
    "models.egeunet",
    EGEUNet,
    32,
    ("einops",),
)

# At the width of their papers; -narrow: with about as many weights as photo-tiny, where the code has a width to choose.
PEERS: dict[str, Peer] = {
    "HNOSeg-XS": _HNOSEG,
    "HNOSeg-XS-narrow": replace(_HNOSEG, build=partial(_hnoseg, filters=19)),
    "Med-NCA": _MED_NCA,
    "EGE-UNet": _EGE_UNET,
    "EGE-UNet-narrow": replace(_EGE_UNET, build=partial(EGEUNet, widths=(4, 8, 12, 16, 24, 32))),
    "FPENet": _of_esn("FPENet", 8),
    "ESPNet": _of_esn("ESPNet", 8),
    "ENet": _of_esn("ENet", 8),
    "FastSCNN": _of_esn("FastSCNN", 32),
}


class ForeignConfig(ImageConfig):
    """Args: peer: of PEERS."""

    peer: str


class ForeignNetwork(ImageNetwork):
    """Normalised and padded as every network here; what is inside is theirs."""

    def __init__(self, config: ForeignConfig):
        peer = PEERS[config.peer]
        super().__init__(config, peer.stride)
        self.inner = peer.build(import_from(peer), config.in_channels, config.num_classes)

    def logits(self, image: Tensor) -> Tensor:
        return self.inner(image)


def register() -> None:
    """Make the names peer:NAME known, once."""
    if all(kind.config is not ForeignConfig for kind in KINDS):
        names = [f"{PREFIX}{name}" for name in PEERS]

        def settings(name: str) -> dict[str, Any] | None:
            return {"peer": name.removeprefix(PREFIX)} if name in names else None

        KINDS.append(Kind(ForeignConfig, ForeignNetwork, settings, lambda: names))


def untrained(name: str, classes: int = 11, channels: int = 3) -> ImageNetwork:
    """Args: name: peer:NAME, or any other network's."""
    register()
    statistics = {"mean": (128.0,) * channels, "std": (74.0,) * channels}
    return build_network(model_config(name, in_channels=channels, num_classes=classes, **statistics))
