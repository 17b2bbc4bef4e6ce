"""The symbol of L, and the stencils that a network starts with."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imexseg.numerics.stencils import decay_length, random_stencils, symbol, zero_mean

SIZES = st.integers(1, 12)


@given(height=SIZES, width=SIZES, seed=st.integers(0, 99))
def test_symbol_is_the_squared_spectrum_of_the_stencil(height: int, width: int, seed: int):
    B = torch.randn(3, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    image = torch.zeros(3, height, width, dtype=torch.float64)
    for p in (-1, 0, 1):
        for q in (-1, 0, 1):
            image[:, -p % height, -q % width] += B[:, p + 1, q + 1]
    torch.testing.assert_close(symbol(B, height, width, half=False), torch.fft.fft2(image).abs().square())
    torch.testing.assert_close(symbol(B, height, width), torch.fft.rfft2(image).abs().square())


def test_symbol_of_a_zero_mean_stencil_is_zero_at_frequency_zero_and_nowhere_negative():
    values = symbol(zero_mean(torch.randn(8, 3, 3, dtype=torch.float64)), 17, 10)
    assert values[:, 0, 0].abs().max() < 1e-28
    assert values.min() >= 0


def test_decay_lengths_fill_the_range_asked_for():
    lengths = decay_length(random_stencils(400, 0.5, shortest=2.0, longest=16.0), 0.5)
    assert lengths.min() >= 2.0 - 1e-3
    assert lengths.max() <= 16.0 + 1e-2
    shares = torch.histc(lengths.log2(), bins=3, min=1, max=4) / 400
    assert shares.min() > 0.22  # log-uniform: a third in each octave


def test_green_function_falls_by_e_over_the_decay_length():
    B = torch.zeros(1, 3, 3, dtype=torch.float64)
    B[0, 1] = torch.tensor([-0.5, 0.0, 0.5])  # ∂/∂x, whose first moment is 1
    h = 64.0
    rho = 1 / (1 + h * symbol(B, 1, 512))
    green = torch.fft.irfft2(rho.to(torch.complex128), s=(1, 512))[0, 0]
    measured = 40 / (green[20].log() - green[60].log())
    assert measured.item() == pytest.approx(decay_length(B, h).item(), rel=0.02)


@pytest.mark.parametrize(("h", "shortest", "longest"), [(0, 1, 2), (1, 0, 2), (1, 3, 2)])
def test_impossible_lengths_are_refused(h: float, shortest: float, longest: float):
    with pytest.raises(ValueError, match="must"):
        random_stencils(4, h, shortest=shortest, longest=longest)
