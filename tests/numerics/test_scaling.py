"""Seeing every image at one scale: the sizes, and that a network with a long_side is the scaling round the same network."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imexseg.models.network import SegmentationNetwork
from imexseg.models.registry import network_config
from imexseg.numerics.scaling import scale_back, scale_image, seen_size


@given(height=st.integers(1, 5000), width=st.integers(1, 5000), long_side=st.integers(32, 1024))
def test_the_longer_side_is_as_asked_for_and_the_shorter_in_proportion(height: int, width: int, long_side: int):
    seen = seen_size(height, width, long_side)
    assert max(seen) == long_side
    for side, result in zip((height, width), seen, strict=True):
        assert result == 1 or abs(result - side * long_side / max(height, width)) <= 0.5
    assert min(seen_size(height, width, long_side, least=17)) >= 17


def test_made_smaller_pixels_are_averaged_and_a_constant_stays_one():
    checks = ((torch.arange(64)[:, None] + torch.arange(48)) % 2).float()[None, None]
    small = scale_image(checks, (16, 12))
    assert (small - 0.5).abs().max() < 0.05
    torch.testing.assert_close(
        scale_back(scale_image(torch.full((1, 2, 30, 50), 3.0), (18, 30)), (30, 50)).mean(), torch.tensor(3.0)
    )


def built(**settings) -> SegmentationNetwork:
    torch.manual_seed(0)
    return SegmentationNetwork(network_config("imex-lean", width=8, n_steps=2, num_classes=3, **settings)).eval()


@torch.no_grad()
def test_a_network_with_a_long_side_is_the_scaling_round_the_same_network():
    plain, scaling = built(), built(long_side=48)
    scaling.load_state_dict(plain.state_dict())
    image = 255 * torch.rand(2, 1, 90, 60)
    expected = scale_back(plain(scale_image(image, (48, 32))), (90, 60))
    torch.testing.assert_close(scaling(image), expected)
    torch.testing.assert_close(scaling.at_own_scale(image), plain(image))  # what training calls
    fitting = 255 * torch.rand(1, 1, 48, 32)
    assert torch.equal(scaling(fitting), plain(fitting))


@pytest.mark.parametrize("long_side", [0, 31, 5000])
def test_a_long_side_out_of_range_is_refused(long_side: int):
    with pytest.raises(ValueError, match="long_side"):
        network_config("imex-lean", long_side=long_side)
