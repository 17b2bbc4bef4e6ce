"""The exported graph says what torch says, for every registered network, at sizes that fit the stride and such that do not."""

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made_networks import made

from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions
from imexseg.export.sample_images import random_images
from imexseg.export.verify import LARGEST_LOGIT_DIFFERENCE, allowed_difference, reference_logits, session
from imexseg.layers.dynamics import DYNAMICS
from imexseg.layers.operators import OPERATORS
from imexseg.models.contract import ImageNetwork
from imexseg.models.registry import NETWORKS

LARGEST = LARGEST_LOGIT_DIFFERENCE


def logits_of(file: onnxruntime.InferenceSession, image: np.ndarray) -> np.ndarray:
    return file.run(["logits"], {"image": image[None]})[0][0]


def agrees(network: ImageNetwork, file: onnxruntime.InferenceSession, size: tuple[int, int]) -> bool:
    (image,) = random_images(network.info, size, 1)
    expected = reference_logits(network, image)
    assert np.ptp(expected) > 0.1  # a network that says the same everywhere would agree with anything
    found = float(np.abs(logits_of(file, image) - expected).max())
    return found <= allowed_difference(network, image, found)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_agrees_with_torch(name: str):
    network = made(name, **({"width": 16} if name == "imexnet" else {}))  # in full by the slow test
    fixed = session(build(network, ExportOptions((64, 64), logits=True)).SerializeToString())
    assert agrees(network, fixed, (64, 64))
    free = session(build(network, ExportOptions(None, logits=True)).SerializeToString())
    assert agrees(network, free, (96, 160))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_agrees_with_torch_on_an_odd_size(name: str):
    network = made(name)
    for size in ((333, 517), None):
        file = session(build(network, ExportOptions(size, logits=True)).SerializeToString())
        assert agrees(network, file, (333, 517))


@pytest.mark.parametrize("boundary", ["periodic", "reflect", "zero"])
@pytest.mark.parametrize("norm", ["batch", "tv"])
@pytest.mark.parametrize("dynamics", DYNAMICS)
def test_boundaries_and_norms(dynamics: str, boundary: str, norm: str):
    operator = list(OPERATORS)[len(dynamics + boundary + norm) % len(OPERATORS)]
    network = made(f"{dynamics}-{operator}", width=8, n_steps=2, boundary=boundary, norm=norm)
    file = session(build(network, ExportOptions(None, logits=True)).SerializeToString())
    assert agrees(network, file, (45, 38))


@pytest.mark.parametrize("name", ["imex-lean", "imex-residual-lean-photo-m", "imex-lite0"])
@pytest.mark.parametrize("size", [(64, 64), (40, 90), None], ids=["fits", "larger", "free"])
def test_scaling_to_the_long_side_is_part_of_the_file(name: str, size: tuple[int, int] | None):
    network = made(name, long_side=64, **({"pretrained": False} if "lite0" in name else {}))
    file = session(build(network, ExportOptions(size, logits=True)).SerializeToString())
    for image_size in [size] if size else [(64, 64), (150, 100), (20, 31), (1, 3)]:
        assert agrees(network, file, image_size)


@given(height=st.integers(8, 70), width=st.integers(8, 70), fixed=st.booleans(), channels=st.integers(1, 5))
def test_any_size_and_number_of_channels(height: int, width: int, fixed: bool, channels: int):
    network = made("imex-lean", channels, width=8, n_steps=2)
    options = ExportOptions((height, width) if fixed else None, logits=True)
    assert agrees(network, session(build(network, options).SerializeToString()), (height, width))


@pytest.mark.parametrize("full_scale", [1.0, 65535.0])
def test_other_bit_depths(full_scale: float):
    network = made("imex-lean", full_scale=full_scale, width=8, n_steps=1)
    file = session(build(network, ExportOptions((32, 32), logits=True)).SerializeToString())
    assert file.get_inputs()[0].type == {1.0: "tensor(float)", 65535.0: "tensor(uint16)"}[full_scale]
    assert agrees(network, file, (32, 32))


def test_a_network_of_another_library_agrees():
    network = made("smp:Unet:tu-mobilenetv3_small_050")
    file = session(build(network, ExportOptions((64, 96), logits=True)).SerializeToString())
    assert agrees(network, file, (64, 96))


@pytest.mark.parametrize("size", [(64, 64), None])
@pytest.mark.parametrize("boundary", ["periodic", "reflect", "zero"])
def test_there_is_no_fourier_operator_in_the_file(size: tuple[int, int] | None, boundary: str):
    model = build(made("imex-lean", boundary=boundary, width=8, n_steps=1), ExportOptions(size))
    kinds = {node.op_type for node in model.graph.node}
    assert "MatMul" in kinds
    assert not kinds & {"DFT", "STFT"}
    assert {node.domain for node in model.graph.node} == {""}


def test_a_batch_goes_through_a_free_file():
    network = made("hamiltonian-imex-lean", width=8, n_steps=2)
    images = np.stack(random_images(network.info, (40, 24), 3))
    file = session(build(network, ExportOptions(None, logits=True)).SerializeToString())
    (found,) = file.run(["logits"], {"image": images})
    for logits, image in zip(found, images, strict=True):
        np.testing.assert_allclose(logits, reference_logits(network, image), atol=LARGEST)


def test_probabilities_are_those_of_torch():
    network = made("imex-lean", width=8, n_steps=1)
    (image,) = random_images(network.info, (32, 32), 1)
    file = session(build(network, ExportOptions((32, 32), probabilities=True)).SerializeToString())
    classes, probabilities = file.run(["classes", "probabilities"], {"image": image[None]})
    expected = torch.from_numpy(reference_logits(network, image)).softmax(0).numpy()
    np.testing.assert_allclose(probabilities[0], expected, atol=1e-5)
    assert (classes[0] == expected.argmax(0)).all()


def test_the_smallest_size_works_and_one_below_is_refused():
    from imexseg.errors import UsageError

    network = made("imex-lean-s", width=4)
    least = network.smallest_exported_side
    file = session(build(network, ExportOptions((least, least), logits=True)).SerializeToString())
    assert agrees(network, file, (least, least))
    with pytest.raises(UsageError, match=f"at least {least} px"):
        build(network, ExportOptions((least - 1, 200)))
