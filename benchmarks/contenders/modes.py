"""Tables of waves along one axis, from which the parts in Fourier space make matrix products."""

import torch
from torch import Tensor

from imexseg.numerics.tables import cached_table


@cached_table
def cosines(n: int, modes: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """cos(2πki/n), k = 0 … modes - 1. Shapes: → (modes, n)."""
    return _angles(n, modes).cos().to(device, dtype)


@cached_table
def sines(n: int, modes: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """sin(2πki/n), k = 0 … modes - 1. Shapes: → (modes, n)."""
    return _angles(n, modes).sin().to(device, dtype)


def _angles(n: int, modes: int) -> Tensor:
    turns = torch.outer(torch.arange(modes), torch.arange(n)) % n  # reduced in integers: exact
    return turns.to(torch.float64) * (2 * torch.pi / n)


def waves(n: int, largest: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines of k = -m … m, m = `largest` or what the grid has. Shapes: → two of (2m + 1, n)."""
    m = min(largest, (n - 1) // 2)
    c, s = cosines(n, m + 1, like.dtype, like.device), sines(n, m + 1, like.dtype, like.device)
    return torch.cat([c[1:].flip(0), c]), torch.cat([-s[1:].flip(0), s])
