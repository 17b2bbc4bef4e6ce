"""The segmentation network: normalise → opening → n time steps → classifier, for images of any size."""

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.layers.dynamics import build_step
from imexseg.models.config import NetworkConfig

if TYPE_CHECKING:
    from imexseg.models.artefact import ModelInfo


class SegmentationNetwork(nn.Module):
    """Raw pixel values in, logits out.

    Shapes: (B, in_channels, H, W), the numbers that stand in the image file, as float → (B, num_classes, H, W). Any H
    and W of at least one pixel: the last row and column are repeated up to a multiple of the stride, and the logits
    cropped back. The normalisation (x - mean) / std is part of the network: nothing that runs it can get it wrong.
    """

    info: "ModelInfo"  # of a trained network, set by load()
    mean: Tensor
    std: Tensor

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config = config
        c = config
        self.register_buffer("mean", torch.tensor(c.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(c.std).view(1, -1, 1, 1), persistent=False)
        # Kernels of twice the stride overlap by half: neighbouring outputs share pixels, no checkerboard.
        sampling: dict[str, Any] = {"kernel_size": 2 * c.stride, "stride": c.stride, "padding": c.stride // 2}
        self.opening = nn.Sequential(
            nn.Conv2d(c.in_channels, c.width, bias=False, **sampling), nn.BatchNorm2d(c.width), nn.ReLU()
        )
        self.steps = nn.Sequential(
            *(
                build_step(c.dynamics, c.operator, c.width, c.step_size, c.boundary, c.shortest, c.longest)
                for _ in range(c.n_steps)
            )
        )
        self.classifier = nn.ConvTranspose2d(c.width, c.num_classes, **sampling)

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        Y = self.opening(self.pad_to_stride((image - self.mean) / self.std))
        return self.classifier(self.steps(Y))[..., :height, :width]

    def pad_to_stride(self, image: Tensor) -> Tensor:
        """Extend below and to the right to a multiple of the stride, by repeating the last row and column."""
        height, width = image.shape[-2:]
        stride = self.config.stride
        return F.pad(image, (0, -width % stride, 0, -height % stride), mode="replicate")
