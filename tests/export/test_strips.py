"""Files for large images: strips of rows give the classes that the whole image gives, in a fraction of the memory."""

import functools
from pathlib import Path

import numpy as np
import onnx
import pytest
from made_networks import made

from imexseg.export import strips
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions, info_of
from imexseg.export.quantise import quantise
from imexseg.export.sample_images import random_images
from imexseg.export.strips import STRIP, in_strips
from imexseg.export.verify import session, without_logits
from imexseg.inference.onnx_footprint import _most_bytes

SMALL = {"width": 8, "n_steps": 1, "long_side": 64}
SIZES = [(64, 64), (150, 100), (20, 31), (1, 3), (201, 77), (33, 700)]


@functools.cache
def whole_file(
    size: tuple[int, int] | None = None, channels: int = 3, white: float = 255.0, **options
) -> onnx.ModelProto:
    network = made("imex-lean", channels, white, **SMALL)
    return build(network, ExportOptions(size, logits=True, **options))


@pytest.fixture
def thin_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """So thin that images of a few hundred rows have several, the last of which is not full."""
    for text in ("_SCALED", "_CLASSES"):
        monkeypatch.setattr(strips, text, getattr(strips, text).replace(str(STRIP), "1000"))
    monkeypatch.setattr(strips, "STRIP", 1000)


def require_same_classes(whole: onnx.ModelProto, image: np.ndarray) -> None:
    """Batches too. But for pixels whose two largest scores are equal up to rounding."""
    before, after = session(whole.SerializeToString()), session(in_strips(without_logits(whole)).SerializeToString())
    expected, logits = before.run(["classes", "logits"], {"image": image})
    (found,) = after.run(["classes"], {"image": image})
    assert len(np.unique(expected)) > 1
    assert found.shape == expected.shape
    second, first = np.sort(logits, axis=1)[:, -2:].swapaxes(0, 1)
    assert (found == expected)[first - second > 1e-4 * np.ptp(logits)].all()
    assert (found == expected).mean() > 0.999


@pytest.mark.usefixtures("thin_strips")
@pytest.mark.parametrize("size", SIZES)
def test_a_file_for_any_size_gives_the_same_classes(size: tuple[int, int]):
    whole = whole_file()
    require_same_classes(whole, random_images(info_of(whole), size, 1)[0][None])


@pytest.mark.usefixtures("thin_strips")
def test_so_does_a_batch_a_file_of_one_size_and_images_of_another_kind():
    whole = whole_file()
    require_same_classes(whole, np.stack(random_images(info_of(whole), (150, 100), 3)))
    for whole in (whole_file((150, 100)), whole_file(None, 1, 65535.0), whole_file(None, 1, 1.0)):
        require_same_classes(whole, random_images(info_of(whole), (150, 100), 1)[0][None])


@pytest.mark.usefixtures("thin_strips")
def test_so_do_eight_bits_and_half_precision():
    images = random_images(info_of(whole_file()), (150, 100), 4)
    require_same_classes(whole_file(precision="fp16"), images[0][None])
    require_same_classes(quantise(whole_file(precision="int8"), images), images[0][None])


@pytest.mark.usefixtures("thin_strips")
def test_probabilities_are_kept():
    whole = whole_file(probabilities=True)
    (image,) = random_images(info_of(whole), (150, 100), 1)
    outputs = ["classes", "probabilities"]
    found = session(in_strips(without_logits(whole)).SerializeToString()).run(outputs, {"image": image[None]})
    expected = session(whole.SerializeToString()).run(outputs, {"image": image[None]})
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], atol=1e-5)


def test_small_images_and_networks_that_do_not_scale_are_left_alone():
    small = whole_file((150, 100))
    assert in_strips(small) is small
    unscaled = build(made("imex-lean", width=8, n_steps=1), ExportOptions(None))
    assert in_strips(unscaled) is unscaled


def test_the_file_has_operators_of_onnx_alone_and_is_the_same_every_time():
    whole = without_logits(whole_file())
    found = in_strips(whole)
    assert {node.domain for node in found.graph.node} == {""}
    assert not found.functions
    assert [node.op_type for node in found.graph.node].count("Loop") == 2
    assert found.SerializeToString() == in_strips(whole).SerializeToString()
    onnx.checker.check_model(found, full_check=True)


def test_a_large_image_takes_little_memory(tmp_path: Path):
    whole = without_logits(whole_file())
    info, image = info_of(whole), np.zeros((1, 1500, 2000, 3), np.uint8)
    bytes_of = {}
    for name, model in {"whole": whole, "strips": in_strips(whole)}.items():
        onnx.save(model, tmp_path / name)
        bytes_of[name] = _most_bytes(tmp_path / name, info, image, tmp_path / f"{name}.log")
    assert bytes_of["whole"] > 4 * 4 * 3_000_000  # four classes of floats at the least
    assert bytes_of["strips"] < bytes_of["whole"] / 3
