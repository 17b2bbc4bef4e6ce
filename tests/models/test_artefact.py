"""One file holds everything, and a bad file is explained."""

import hashlib
import json
import pickle
import re
import resource
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save

import imexseg
from imexseg.errors import JobError, UsageError
from imexseg.models.artefact import METADATA_KEY, load, save_weights
from imexseg.models.checksum import UNSEALED, sealed
from imexseg.models.info import ModelInfo
from imexseg.models.network import SegmentationNetwork
from imexseg.models.registry import NETWORKS, network_config


def info_of(name: str, network: SegmentationNetwork) -> ModelInfo:
    names = [f"class {i}" for i in range(network.config.num_classes)]
    return ModelInfo(
        model=name,
        network=network.config,
        names=names,
        palette=[(i, i, i) for i in range(len(names))],
        full_scale=255,
        data={"name": "made up"},
        metrics={"miou": 0.5},
        training={},
        version=imexseg.__version__,
    )


def saved(path: Path, name: str = "imex-lean", **settings) -> SegmentationNetwork:
    network = SegmentationNetwork(network_config(name, width=8, n_steps=2, **settings)).eval()
    save_weights(path, network, info_of(name, network))
    return network


@pytest.mark.parametrize("name", [name for name in NETWORKS if "lite0" not in name])
def test_saved_and_loaded_networks_give_bitwise_equal_logits(name: str, tmp_path: Path):
    network = saved(tmp_path / "w.safetensors", name, mean=(70.5,), std=(21.25,))
    again = imexseg.load(tmp_path / "w.safetensors")
    image = 255 * torch.rand(1, 1, 33, 20)
    assert torch.equal(network(image), again(image))
    assert again.info == info_of(name, network)
    assert not again.training


def rewrite(path: Path, metadata: dict[str, str] | None = None, tensors: dict | None = None) -> None:
    """Another content, under a checksum of its own."""
    with safe_open(path, framework="pt") as file:
        old_metadata, names = file.metadata(), file.keys()
        old = {name: file.get_tensor(name) for name in names}
    (seal,) = re.findall("imexseg-sha256:[0-9a-f]{64}", old_metadata[METADATA_KEY])
    metadata = {METADATA_KEY: old_metadata[METADATA_KEY].replace(seal, UNSEALED)} if metadata is None else metadata
    content = save(old | (tensors or {}), metadata)
    path.write_bytes(sealed(content) if UNSEALED.encode() in content else content)


def say(path: Path, **changed: object) -> None:
    """Other metadata; None takes a key out."""
    with safe_open(path, framework="pt") as file:
        content = json.loads(file.metadata()[METADATA_KEY]) | {"checksum": UNSEALED} | changed
    rewrite(path, {METADATA_KEY: json.dumps({key: value for key, value in content.items() if value is not None})})


def network_of(path: Path, **changed: object) -> None:
    with safe_open(path, framework="pt") as file:
        settings = json.loads(file.metadata()[METADATA_KEY])["network"]
    say(path, network=settings | changed)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def replace_by_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weights": list(range(1000))}))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-7] ^= 4
    path.write_bytes(content)


def with_nan(path: Path) -> None:
    with safe_open(path, framework="pt") as file:
        rewrite(path, tensors={"classifier.bias": torch.full_like(file.get_tensor("classifier.bias"), float("nan"))})


DEEP = "[" * 100_000 + "]" * 100_000
DAMAGED = {
    "missing": (Path.unlink, "no such weights file"),
    "truncated": (truncate, "truncated"),
    "a pickle": (replace_by_pickle, "not a readable .safetensors file"),
    "empty": (lambda path: path.write_bytes(b""), "not a readable .safetensors file"),
    "a flipped bit": (flip, "its checksum does not match"),
    "a NaN": (with_nan, "tensor classifier.bias holds NaN or infinite values"),
    "no metadata": (lambda path: rewrite(path, {}), "no imexseg metadata"),
    "no JSON": (lambda path: rewrite(path, {METADATA_KEY: "{"}), "not valid JSON"),
    "deep JSON": (lambda path: rewrite(path, {METADATA_KEY: DEEP}), "nested too deeply"),
    "JSON of another kind": (lambda path: rewrite(path, {METADATA_KEY: "[1]"}), "not a JSON object"),
    "no format": (lambda path: say(path, format=None), "has the format None"),
    "format true": (lambda path: say(path, format=True), "has the format True"),
    "nearly nothing": (lambda path: rewrite(path, {METADATA_KEY: '{"format": 1}'}), "'model' is missing"),
    "no checksum": (lambda path: say(path, checksum=None), "its checksum is missing"),
    "a newer format": (lambda path: say(path, format=3, version="0.9.1"), "written by imexseg 0.9.1 .*update imexseg"),
    "a newer key": (
        lambda path: say(path, version="0.9.1", depth=1),
        "written by imexseg 0.9.1, newer .*update imexseg",
    ),
    "an unknown key": (lambda path: say(path, nams=["a"]), "unknown key 'nams'; did you mean 'names'"),
    "an unknown network key": (
        lambda path: network_of(path, widht=3),
        "network: unknown key 'widht'; did you mean 'width'",
    ),
    "an unknown key deep down": (
        lambda path: say(path, pixel_range={"dtype": "uint8", "lowest": 0, "highest": 255, "midle": 1}),
        "unknown key 'pixel_range.midle'",
    ),
    "one name too many": (lambda path: say(path, names=["a", "b", "c"]), "palette has 2 colours for 3 names"),
    "classes beyond the names": (
        lambda path: say(path, names=["a", "b", "c"], palette=[[0, 0, 0]] * 3, values=[0, 1, 2]),
        "3 names for a network of 2 classes",
    ),
    "a colour of four": (lambda path: say(path, palette=[[0, 0, 0, 0]] * 2), "palette"),
    "values twice": (lambda path: say(path, values=[1, 1]), "values should be 2 different numbers"),
    "full scale 0": (lambda path: say(path, full_scale=0), "full_scale: Input should be greater than 0"),
    "full scale NaN": (lambda path: say(path, full_scale=float("nan")), "full_scale: Input should be a finite number"),
    "a wide network": (lambda path: network_of(path, width=4096), "larger network than its"),
    "a million stages": (lambda path: network_of(path, width=[1] * 1_000_000), "more steps than its .* tensors"),
    "a thousand steps": (lambda path: network_of(path, n_steps=1000), "more steps than its .* tensors"),
    "a network of a hub": (
        lambda path: say(
            path,
            network={"in_channels": 1, "num_classes": 2, "mean": [0.0], "std": [1.0], "architecture": "Unet"}
            | {"encoder": "tu-hf-hub:somebody/something"},
        ),
        "unknown encoder 'tu-hf-hub:somebody/something'",
    ),
    "another shape": (
        lambda path: rewrite(path, tensors={"opening.0.weight": torch.zeros(1)}),
        "opening.0.weight should have shape",
    ),
    "another type": (
        lambda path: rewrite(path, tensors={"classifier.bias": torch.zeros(2, dtype=torch.float64)}),
        "classifier.bias should hold torch.float32, found F64",
    ),
    "an extra tensor": (
        lambda path: rewrite(path, tensors={"extra": torch.zeros(1)}),
        "extra should have shape none",
    ),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file; read only."""
    path = tmp_path_factory.mktemp("whole") / "w.safetensors"
    saved(path)
    return path


@pytest.mark.parametrize("damage", DAMAGED)
def test_bad_files_are_explained(damage: str, whole: Path, tmp_path: Path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(whole.read_bytes())
    change, message = DAMAGED[damage]
    change(path)
    with pytest.raises(UsageError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


@settings(max_examples=40)
@given(st.data())
def test_every_flipped_bit_is_found(whole: Path, data: st.DataObject):
    content = bytearray(whole.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = whole.with_name("flipped.safetensors")
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"flipped\.safetensors"):
        load(path)


def test_the_checksum_is_sha_256_of_the_file_with_its_digits_set_to_zero(whole: Path):
    content = whole.read_bytes()
    ((place, digits),) = [
        (found.start(1), found.group(1)) for found in re.finditer(rb"imexseg-sha256:([0-9a-f]+)", content)
    ]
    assert hashlib.sha256(content[:place] + b"0" * 64 + content[place + 64 :]).hexdigest() == digits.decode()
    assert sum(content.count(key) for key in (b"checksum", b"imexseg-sha256")) == 2


def test_a_file_of_the_first_format_still_loads(whole: Path, tmp_path: Path):
    path = tmp_path / "old.safetensors"
    path.write_bytes(whole.read_bytes())
    say(path, format=1, checksum=None, values=None, pixel_range=None)
    assert load(path).info.values == [0, 1]


def test_weights_that_are_no_numbers_are_never_written(tmp_path: Path):
    network = SegmentationNetwork(network_config("imex-lean", width=8, n_steps=2))
    torch.nn.init.constant_(network.classifier.weight, float("inf"))
    with pytest.raises(JobError, match=r"classifier\.weight hold NaN or infinite"):
        save_weights(tmp_path / "w.safetensors", network, info_of("imex-lean", network))
    assert list(tmp_path.iterdir()) == []


def test_a_small_file_that_claims_a_large_network_costs_no_memory(whole: Path, tmp_path: Path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(whole.read_bytes())
    network_of(path, width=4096, operator="dense")  # 3 GB of weights
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UsageError, match="larger network than its"):
        load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_loading_executes_nothing(tmp_path: Path):
    class Attack:
        def __reduce__(self):
            return Path.touch, (tmp_path / "owned",)

    path = tmp_path / "w.safetensors"
    path.write_bytes(pickle.dumps(Attack()))
    with pytest.raises(UsageError):
        load(path)
    assert not (tmp_path / "owned").exists()
