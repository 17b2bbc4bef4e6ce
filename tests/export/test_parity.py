"""The exported graph says what torch says, for networks that differ in kind, at sizes that fit the stride and others."""

import functools

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_networks import made

from imexseg.errors import UsageError
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions
from imexseg.export.sample_images import random_images
from imexseg.export.verify import LARGEST_DIFFERENCE, difference, reference_logits, session
from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.norms import NORMS
from imexseg.layers.operators import OPERATORS
from imexseg.models.contract import ImageNetwork
from imexseg.models.registry import NETWORKS
from imexseg.numerics.boundary import BOUNDARIES

SMALL = {"width": 8, "n_steps": 1}
# Every dynamics once, and between them every operator, boundary, normalisation and classifier.
KINDS = {
    "residual": {"operator": "dense", "boundary": "zero", "norm": "batch"},
    "parabolic": {"operator": "separable", "boundary": "reflect", "norm": "tv"},
    "imex": {"operator": "lean", "boundary": "zero", "norm": "tv", "n_steps": 2},
    "imex-residual": {"operator": "dense", "boundary": "reflect", "norm": "batch", "classifier": "bilinear"},
    "imex-diffusive": {"operator": "lean", "boundary": "periodic", "norm": "batch"},
    "hamiltonian": {"operator": "dense", "boundary": "periodic", "norm": "batch"},
    "hamiltonian-imex": {"operator": "lean", "boundary": "reflect", "norm": "batch"},
    "second-order": {"operator": "separable", "boundary": "zero", "norm": "batch"},
    "second-order-imex": {"operator": "separable", "boundary": "periodic", "norm": "batch"},
}


def exported(network: ImageNetwork, size: tuple[int, int] | None, **options: object) -> onnxruntime.InferenceSession:
    return session(build(network, ExportOptions(size, logits=True, **options)).SerializeToString())  # type: ignore[arg-type]


def agrees(network: ImageNetwork, file: onnxruntime.InferenceSession, size: tuple[int, int]) -> bool:
    (image,) = random_images(network.info, size, 1)
    expected = reference_logits(network, image)
    assert np.ptp(expected) > 0.1  # a network that says the same everywhere would agree with anything
    return difference(file.run(["logits"], {"image": image[None]})[0][0], expected) <= LARGEST_DIFFERENCE


def test_the_kinds_leave_nothing_out():
    assert KINDS.keys() == DYNAMICS.keys()
    for name, known in (("operator", OPERATORS), ("boundary", BOUNDARIES), ("norm", NORMS)):
        assert {kind[name] for kind in KINDS.values()} == set(known)


@pytest.mark.parametrize("dynamics", KINDS)
def test_every_kind_of_network_agrees_with_torch(dynamics: str):
    network = made("imex-lean", dynamics=dynamics, **SMALL | KINDS[dynamics])
    assert agrees(network, exported(network, (45, 38)), (45, 38))


@functools.cache
def of_any_size(boundary: str) -> tuple[ImageNetwork, onnxruntime.InferenceSession]:
    network = made("imex-lean", boundary=boundary, **SMALL)
    return network, exported(network, None)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@settings(max_examples=20, deadline=None)
@given(height=st.integers(4, 100), width=st.integers(4, 100))
def test_a_file_of_any_size_agrees_at_every_size(boundary: str, height: int, width: int):
    network, file = of_any_size(boundary)
    assert agrees(network, file, (height, width))


def test_a_batch_goes_through_a_free_file():
    network, file = of_any_size("zero")
    images = np.stack(random_images(network.info, (40, 24), 3))
    (found,) = file.run(["logits"], {"image": images})
    for logits, image in zip(found, images, strict=True):
        assert difference(logits, reference_logits(network, image)) <= LARGEST_DIFFERENCE


def test_several_scales_and_one_channel_agree():
    network = made("imex-lean-s", 1, width=4, n_steps=1)
    assert agrees(network, exported(network, (85, 90)), (85, 90))


@pytest.mark.parametrize("size", [(40, 90), None], ids=["fixed", "free"])
def test_scaling_to_the_long_side_is_part_of_the_file(size: tuple[int, int] | None):
    network = made("imex-lean", long_side=64, **SMALL)
    file = exported(network, size)
    for image_size in [size] if size else [(64, 64), (150, 100), (20, 31), (1, 3)]:
        assert agrees(network, file, image_size)


def test_a_network_on_a_pretrained_encoder_agrees():
    network = made("imex-lite0", pretrained=False)
    assert agrees(network, exported(network, (64, 80)), (64, 80))


def test_a_network_of_another_library_agrees():
    network = made("smp:Unet:tu-mobilenetv3_small_050")
    assert agrees(network, exported(network, (64, 96)), (64, 96))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["imex-lite0", "smp:Unet:tu-mobilenetv3_small_050"])
def test_networks_with_parts_of_other_libraries_agree_at_every_size(name: str):
    network = made(name, **({"pretrained": False} if "lite0" in name else {}))
    file = exported(network, None)
    for size in ((64, 96), (75, 133), (224, 160)):
        assert agrees(network, file, size)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_registered_network_agrees_with_torch(name: str):
    network = made(name)
    for size in ((333, 517), None):
        file = exported(network, size)
        for image_size in [size] if size else [(96, 160), (333, 517)]:
            assert agrees(network, file, image_size)


@pytest.mark.parametrize("full_scale", [1.0, 65535.0])
def test_other_bit_depths(full_scale: float):
    network = made("imex-lean", full_scale=full_scale, **SMALL)
    file = exported(network, (32, 32))
    assert file.get_inputs()[0].type == {1.0: "tensor(float)", 65535.0: "tensor(uint16)"}[full_scale]
    assert agrees(network, file, (32, 32))


def test_the_file_is_plain_and_the_same_every_time():
    network = made("imex-lean", boundary="periodic", **SMALL)
    model = build(network, ExportOptions((32, 32)))
    kinds = {node.op_type for node in model.graph.node}
    assert "MatMul" in kinds
    assert not kinds & {"DFT", "STFT"}
    assert {node.domain for node in model.graph.node} == {""}
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert build(network, ExportOptions((32, 32))).SerializeToString() == model.SerializeToString()


def test_symbols_are_not_stored():
    network = made("imex-lean", width=32, n_steps=2)
    assert build(network, ExportOptions((256, 256))).ByteSize() < 300_000  # two ρ alone would be 4 MB


def test_scales_and_turned_kernels_are_folded_away():
    network = made("imex-lean", norm="batch", boundary="zero", width=8, n_steps=2)
    kinds = [node.op_type for node in build(network, ExportOptions((64, 64))).graph.node]
    assert kinds.count("ConvTranspose") == 1  # the classifier
    assert kinds.count("BatchNormalization") == 2  # one behind each step, where there is no convolution before
    assert "Neg" not in kinds


def test_probabilities_are_those_of_torch():
    network = made("imex-lean", **SMALL)
    (image,) = random_images(network.info, (32, 32), 1)
    file = session(build(network, ExportOptions((32, 32), probabilities=True)).SerializeToString())
    classes, probabilities = file.run(["classes", "probabilities"], {"image": image[None]})
    expected = torch.from_numpy(reference_logits(network, image)).softmax(0).numpy()
    np.testing.assert_allclose(probabilities[0], expected, atol=1e-5)
    assert (classes[0] == expected.argmax(0)).all()


def test_the_smallest_size_works_and_one_below_is_refused():
    network = made("imex-lean-s", width=4, n_steps=1)
    least = network.smallest_exported_side
    assert agrees(network, exported(network, (least, least)), (least, least))
    with pytest.raises(UsageError, match=f"at least {least} px"):
        build(network, ExportOptions((least - 1, 200)))
