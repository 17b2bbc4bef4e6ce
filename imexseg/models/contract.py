"""What every kind of network provides, so that no caller needs to know which kind it is."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from imexseg.errors import UsageError
from imexseg.layers.flows import Flow
from imexseg.layers.grid import GridChange, OnGrid
from imexseg.layers.solve_modes import solves
from imexseg.models.config import ImageConfig
from imexseg.models.info import ModelInfo
from imexseg.numerics.layout import channels_last
from imexseg.numerics.scaling import scale_back, scale_image, seen_size

DECAY_LENGTHS = 3.0  # beyond which 5 % of the weight of a Green's function lie


@dataclass(frozen=True)
class PlacedFlow:
    """A flow of a network and where it is. Units: stride in pixels between neighbours on its grid."""

    flow: Flow
    stride: int
    refines: bool = False  # behind the pyramid: explicit, and not part of the equation that the network is named after

    def reach(self) -> int:
        """Pixels within which its solves have most of their weight, and its local rings; 0 without a solve."""
        lengths = [float(solve.decay_lengths().detach().max()) for solve in solves(self.flow)]
        return math.ceil(self.stride * (DECAY_LENGTHS * max(lengths) + 2)) if lengths else 0


class ImageNetwork(OnGrid):
    """Raw pixel values in, logits out. Subclasses say how, in `logits`; the rest of the contract has answers that suit most.

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
        seen = image if self.config.long_side is None else scale_image(image, self.seen(height, width))
        return channels_last(self.pad_to_stride((seen - self.mean) / self.std))

    def finished(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Cropped and scaled back to the size of the image. Shapes: (B, num_classes, H', W') → (B, num_classes, *size)."""
        height, width = self.seen(*size)
        cropped = logits[..., :height, :width]
        return cropped if self.config.long_side is None else scale_back(cropped, size)

    def seen(self, height: int, width: int) -> tuple[int, int]:
        """The size in pixels at which the network sees an image of that size."""
        if self.config.long_side is None:
            return height, width
        return seen_size(height, width, self.config.long_side, self.smallest_side)

    def at_own_scale(self, image: Tensor) -> Tensor:
        """As forward, for images that have the scale of long_side already, or are pieces of such: what training calls."""
        height, width = image.shape[-2:]
        return self.logits(channels_last(self.pad_to_stride((image - self.mean) / self.std)))[..., :height, :width]

    def logits(self, image: Tensor) -> Tensor:
        """Shapes: (B, in_channels, H, W), normalised, H and W multiples of the stride → (B, num_classes, H, W)."""
        raise NotImplementedError

    def pad_to_stride(self, image: Tensor) -> Tensor:
        """Extend below and to the right to a multiple of the stride, by repeating the last row and column."""
        stride = self.total_stride
        below, right = ((side + stride - 1) // stride * stride - side for side in image.shape[-2:])
        return F.pad(image, (0, right, 0, below), mode="replicate")

    def flows(self) -> list[PlacedFlow]:
        """Its time steps, in the order of computation; [] for a network of another library."""
        return []

    @property
    def equation(self) -> str | None:
        """Of every flow that differs from the one before; None for a network without time steps."""
        equations = [placed.flow.dynamics.equation for placed in self.flows() if not placed.refines]
        return "; then ".join(dict.fromkeys(equations)) or None

    @property
    def reversible(self) -> bool:
        """True if the memory of training does not depend on the number of steps."""
        named = [placed.flow for placed in self.flows() if not placed.refines]
        return bool(named) and all(flow.dynamics.reversible for flow in named)

    def field_of_view(self) -> int | None:
        """Side in pixels of the square that one pixel of the answer depends on, or an upper bound; None if that is the whole
        image. A network that cannot tell says the latter."""
        return None

    def reach(self) -> int:
        """Pixels to each side that one pixel of the answer mostly depends on: by this much tiles must overlap.

        An encoder of another library sees 8 strides far, roughly; a solve as far as three decay lengths.
        """
        return max([8 * self.total_stride, *(placed.reach() for placed in self.flows())])

    @property
    def smallest_side(self) -> int:
        """Pixels: the coarsest grid needs two points a side, where adjoints and neighbours differ from each other."""
        return 2 * self.total_stride

    @property
    def smallest_exported_side(self) -> int:
        """Pixels that an exported network must be given. With a long_side it makes smaller images larger by itself."""
        return self.smallest_side if self.config.long_side is None else 1

    def require_size(self, size: tuple[int, int]) -> None:
        """That it can be trained on images of (height, width) pixels. Raises: UsageError with the remedy."""

    def take_pretrained(self) -> None:
        """Begin with weights of ImageNet, where config.begins_pretrained. Raises: UsageError if they cannot be had."""
        raise UsageError(f"{type(self).__name__} has no weights of ImageNet; leave out network: pretrained")

    def change_grid(self, change: GridChange) -> None:
        """Layers that know the grid are asked themselves; this is for what else the network has (layers/grid.py)."""

    def on_finer_images(self, config: ImageConfig) -> "ImageNetwork":
        """The network for images of twice the size, from this one, where config.has_levels. It may be this one, changed.

        Args: config: its settings; those of this network, or with twice the steps of half the size.
        """
        raise UsageError(f"{type(self).__name__} has no kernels that can be prolongated")


@torch.no_grad()
def can_take(network: ImageNetwork, size: tuple[int, int]) -> str | None:
    """Try images of (height, width) pixels. Returns: the reason why not, None if it can."""
    training = network.training
    try:
        network.eval().at_own_scale(torch.zeros(1, network.config.in_channels, *size))
    except (RuntimeError, ValueError) as error:
        return " ".join(str(error).split())
    finally:
        network.train(training)
    return None
