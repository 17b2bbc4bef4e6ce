"""Tensors from files: the order, what augmentation draws, and how processes share a split."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imexseg.data.description.data_yaml import load_description
from imexseg.data.description.labels import IGNORE
from imexseg.data.load.augmentation import Augmentation
from imexseg.data.load.dataset import SegmentationDataset, collate
from imexseg.data.load.samplers import EpochSampler, OnceSampler
from imexseg.data.pairs.pairs import list_pairs
from imexseg.data.read.tensors import augmented_to_tensor, image_to_tensor


@given(n_images=st.integers(1, 40), world_size=st.integers(1, 5))
def test_validation_counts_every_image_once_in_batches_of_equal_number(n_images: int, world_size: int):
    shares = [list(OnceSampler(n_images, rank, world_size)) for rank in range(world_size)]
    assert len({len(share) for share in shares}) == 1
    assert sorted(number for share in shares for _, number in share if number >= 0) == list(range(n_images))


@given(n_images=st.integers(1, 40), world_size=st.integers(1, 5), epoch=st.integers(0, 9))
def test_training_order_is_a_permutation_of_seed_and_epoch(n_images: int, world_size: int, epoch: int):
    def order(epoch: int, rank: int) -> list[tuple[int, int]]:
        sampler = EpochSampler(n_images, 3, rank, world_size)
        sampler.set_epoch(epoch)
        assert len(list(sampler)) == len(sampler)
        return list(sampler)

    drawn = [number for rank in range(world_size) for _, number in order(epoch, rank)]
    assert set(drawn) == set(range(n_images))
    assert order(epoch, 0) == order(epoch, 0)
    if n_images > 20:
        assert [n for _, n in order(epoch, 0)] != [n for _, n in order(epoch + 1, 0)]


@pytest.fixture
def dataset(qtips_folder: Path) -> SegmentationDataset:
    pairs = list_pairs(load_description(qtips_folder), "train")
    return SegmentationDataset(pairs, 1, np.dtype(np.uint8), Augmentation("symmetries", square=True), seed=1)


def test_a_sample_depends_on_seed_epoch_and_number_alone(dataset: SegmentationDataset):
    first = dataset[2, 5]
    dataset[0, 1]
    assert all(torch.equal(a, b) for a, b in zip(dataset[2, 5], first, strict=True))
    assert len({dataset[epoch, 5][0].numpy().tobytes() for epoch in range(20)}) > 1


def test_all_eight_symmetries_are_drawn_about_equally_often():
    augment = Augmentation("symmetries", square=True)
    image, mask = np.arange(16, dtype=np.uint8).reshape(4, 4, 1), np.zeros((4, 4), np.uint8)
    drawn = Counter(augment(image, mask, seed)[0].tobytes() for seed in range(400))
    assert len(drawn) == 8
    assert min(drawn.values()) > 25


def test_image_and_mask_are_changed_alike(dataset: SegmentationDataset):
    for epoch in range(10):
        image, mask = dataset[epoch, 3]
        assert torch.equal(image[0] != 64, mask > 0)


def test_no_image_is_all_ignored(dataset: SegmentationDataset):
    assert (dataset[0, -1][1] == IGNORE).all()


def test_images_that_are_not_square_keep_their_shape():
    augment = Augmentation("symmetries", square=False)
    image, mask = np.zeros((4, 6, 1), np.uint8), np.zeros((4, 6), np.uint8)
    assert {augment(image, mask, seed)[0].shape for seed in range(20)} == {(4, 6, 1)}
    with pytest.raises(ValueError, match="unknown augmentation 'flips'"):
        Augmentation("flips", square=True)


def test_sixteen_bits_reach_a_network_of_eight_bits_without_loss():
    image = np.array([[[0], [257], [258], [65535]]], np.uint16)
    assert image_to_tensor(image)[0, 0].tolist() == image[0, :, 0].tolist()
    half = np.full((1, 1, 1), 0.5, np.float32)
    assert augmented_to_tensor(half, np.dtype(np.uint16)).item() == 32767.5


def test_smaller_images_are_extended_and_the_extension_ignored():
    small, large = torch.ones(1, 2, 3), torch.full((1, 4, 3), 5.0)
    images, masks = collate([(small, torch.zeros(2, 3).long()), (large, torch.ones(4, 3).long())])
    assert images.shape == (2, 1, 4, 3)
    assert (images[0] == 1).all()
    assert masks[0, 2:].eq(IGNORE).all()
    assert masks[0, :2].eq(0).all()
