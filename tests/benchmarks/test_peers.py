"""Adapters to the code of other people, against what is known of their numbers of weights; without clones nothing is tested."""

import os
from pathlib import Path

import pytest
import torch

from benchmarks import peer_adapters as peers
from imexseg.errors import UsageError

# For three channels and eleven classes: those of the papers (28, 26, 53, 115, 192, 358 thousand), exactly.
KNOWN = {
    "HNOSeg-XS": 27_936,
    "HNOSeg-XS-narrow": 17_651,
    "EGE-UNet": 53_464,
    "EGE-UNet-narrow": 17_596,
    "Med-NCA": 2 * 12_960,
    "FPENet": 114_861,
    "ESPNet": 191_517,
    "ENet": 358_246,
    "FastSCNN": 1_137_019,
}
FOLDER = os.environ.get("IMEXSEG_PEERS")


@pytest.fixture
def clones(monkeypatch, request):
    if FOLDER is None:
        pytest.skip("IMEXSEG_PEERS is not set: it should name a folder with clones as owner/name (benchmarks/peers.py)")
    folder = Path(FOLDER)
    monkeypatch.setattr(peers, "clones", folder)
    repository = peers.PEERS[request.getfixturevalue("name")].repository
    if not (folder / repository).is_dir():
        pytest.skip(f"{folder / repository} is not there")


@pytest.mark.parametrize("name", peers.PEERS)
def test_adapter(name, clones):
    network = peers.untrained(peers.PREFIX + name)
    weights = sum(p.numel() for p in network.parameters())
    assert weights == KNOWN[name]
    image = 255 * torch.rand(2, 3, 62, 97, generator=torch.Generator().manual_seed(0))
    logits = network(image)
    assert logits.shape == (2, 11, 62, 97)
    # Neither probabilities nor a sigmoid. The automata begin by changing nothing: their last map is zero.
    assert logits.min() < 0 if name != "Med-NCA" else (logits == 0).all()
    logits[:, 0].mean().backward()
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())


def test_a_clone_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "clones", tmp_path)
    with pytest.raises(UsageError, match=r"IBM.*no such clone; git clone https://github.com/IBM/"):
        peers.untrained("peer:HNOSeg-XS")
