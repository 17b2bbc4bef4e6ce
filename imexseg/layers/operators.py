"""Linear operators K on features, each with its adjoint: ⟨KY, X⟩ = ⟨Y, KᵀX⟩.

All map (B, C, H, W) → (B, C, H, W), and extend the image at its edges by the boundary of the implicit solve beside
them, so that an explicit and an implicit term of one network live on the same grid.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imexseg.layers.grid import GridChange, OnGrid
from imexseg.numerics.boundary import adjoint_of_convolution, check_boundary, for_convolution
from imexseg.numerics.depthwise import stencil_product, stencil_product_adjoint
from imexseg.numerics.layout import is_channels_last


class Operator(OnGrid):
    """A linear map K with forward = K and adjoint = Kᵀ.

    One that is made of others needs no more than these two; one with weights of its own says what they are (`kernels`,
    `matrix`) and what becomes of them on another grid (`change_grid`).
    """

    def adjoint(self, Z: Tensor) -> Tensor:
        raise NotImplementedError

    def kernels(self) -> Tensor | None:
        """Its own 3×3 kernels. Shapes: → (..., 3, 3)."""
        return None

    def matrix(self) -> Tensor | None:
        """Its own matrix over the channels of a pixel. Shapes: → (C, C)."""
        return None

    def change_grid(self, change: GridChange) -> None:
        """A 1×1 coupling is the same on every grid."""


class DenseOperator(Operator):
    """K: the full 3×3 convolution, 9C² weights."""

    def __init__(self, channels: int, boundary: str = "periodic"):
        super().__init__()
        self.boundary = check_boundary(boundary)
        self.weight = nn.Parameter(torch.randn(channels, channels, 3, 3) / math.sqrt(9 * channels))

    def forward(self, Y: Tensor) -> Tensor:
        P, padding = for_convolution(Y, self.boundary)
        return F.conv2d(P, self.weight, padding=padding)

    def adjoint(self, Z: Tensor) -> Tensor:
        return adjoint_of_convolution(
            Z, self.boundary, lambda P, padding: F.conv_transpose2d(P, self.weight, padding=padding)
        )

    def kernels(self) -> Tensor:
        return self.weight

    def change_grid(self, change: GridChange) -> None:
        self.weight.copy_(change.kernel(self.weight))


_POSITIONS = {"five-point": (1, 3, 4, 5, 7), "full": tuple(range(9))}  # within the nine, row by row


class DepthwiseOperator(Operator):
    """K: one stencil for each channel, "five-point" (5C weights) or "full" 3×3 (9C weights)."""

    positions: Tensor

    def __init__(self, channels: int, boundary: str = "periodic", points: str = "five-point"):
        super().__init__()
        self.boundary = check_boundary(boundary)
        positions = _POSITIONS[points]
        self.register_buffer("positions", torch.tensor(positions), persistent=False)
        self.stencil = nn.Parameter(torch.randn(channels, len(positions)) / math.sqrt(len(positions)))

    def _weight(self) -> Tensor:
        channels = self.stencil.shape[0]
        return self.stencil.new_zeros(channels, 9).index_copy(1, self.positions, self.stencil).view(channels, 1, 3, 3)

    def forward(self, Y: Tensor) -> Tensor:
        P, padding = for_convolution(Y, self.boundary)
        return stencil_product(P, self._weight(), padding)

    def adjoint(self, Z: Tensor) -> Tensor:
        return adjoint_of_convolution(
            Z, self.boundary, lambda P, padding: stencil_product_adjoint(P, self._weight(), padding)
        )

    def kernels(self) -> Tensor:
        return self._weight()

    def change_grid(self, change: GridChange) -> None:
        if len(self.positions) == 5:
            self.stencil.copy_(change.five_point(self.stencil))
        else:
            self.stencil.copy_(change.kernel(self.stencil.view(-1, 3, 3)).flatten(1))


class CouplingOperator(Operator):
    """K: a 1×1 convolution that couples the channels of each pixel, C² weights."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, channels) / math.sqrt(channels))

    def forward(self, Y: Tensor) -> Tensor:
        return _couple(self.weight, Y)

    def adjoint(self, Z: Tensor) -> Tensor:
        return _couple(self.weight.T, Z)

    def matrix(self) -> Tensor:
        return self.weight


def _couple(matrix: Tensor, Y: Tensor) -> Tensor:
    """matrix · Y at every pixel; as a product it trains faster on CPUs than as a convolution."""
    if torch.compiler.is_exporting():  # runtimes know it as a convolution
        return F.conv2d(Y, matrix[:, :, None, None])
    if is_channels_last(Y):
        return F.linear(Y.permute(0, 2, 3, 1), matrix).permute(0, 3, 1, 2)
    return torch.bmm(matrix.expand(Y.shape[0], -1, -1), Y.flatten(2)).view_as(Y)


class LeanOperator(Operator):
    """K = D + M: a 5-point depthwise stencil plus a 1×1 coupling; about nine times fewer products than dense.

    Source: Ephrath et al., LeanConvNets, IEEE J-STSP 2020, arXiv:1904.09196. Differs: none.
    """

    def __init__(self, channels: int, boundary: str = "periodic"):
        super().__init__()
        self.depthwise = DepthwiseOperator(channels, boundary, "five-point")
        self.coupling = CouplingOperator(channels)

    def forward(self, Y: Tensor) -> Tensor:
        return self.depthwise(Y) + self.coupling(Y)

    def adjoint(self, Z: Tensor) -> Tensor:
        return self.depthwise.adjoint(Z) + self.coupling.adjoint(Z)


class SeparableOperator(Operator):
    """K = MD: a 3×3 depthwise stencil, then a 1×1 coupling, as in the depthwise-separable convolutions of MobileNet."""

    def __init__(self, channels: int, boundary: str = "periodic"):
        super().__init__()
        self.depthwise = DepthwiseOperator(channels, boundary, "full")
        self.coupling = CouplingOperator(channels)

    def forward(self, Y: Tensor) -> Tensor:
        return self.coupling(self.depthwise(Y))

    def adjoint(self, Z: Tensor) -> Tensor:
        return self.depthwise.adjoint(self.coupling.adjoint(Z))


OPERATORS: dict[str, type[Operator]] = {
    "dense": DenseOperator,
    "lean": LeanOperator,
    "separable": SeparableOperator,
}
