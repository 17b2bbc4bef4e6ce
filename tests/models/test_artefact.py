"""One file holds everything, and a bad file is explained."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import imexseg
from imexseg.errors import UsageError
from imexseg.models.artefact import METADATA_KEY, load, save_weights
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
    with safe_open(path, framework="pt") as file:
        old_metadata, names = file.metadata(), file.keys()
        old = {name: file.get_tensor(name) for name in names}
    save_file(old | (tensors or {}), path, old_metadata if metadata is None else metadata)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def replace_by_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weights": list(range(1000))}))


def future(path: Path) -> None:
    with safe_open(path, framework="pt") as file:
        content = json.loads(file.metadata()[METADATA_KEY])
    rewrite(path, {METADATA_KEY: json.dumps(content | {"format": 2})})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (Path.unlink, "no such weights file"),
        (truncate, "truncated"),
        (replace_by_pickle, "not a readable .safetensors file"),
        (lambda path: path.write_bytes(b""), "not a readable .safetensors file"),
        (lambda path: rewrite(path, {}), "no imexseg metadata"),
        (lambda path: rewrite(path, {METADATA_KEY: "{"}), "not valid JSON"),
        (lambda path: rewrite(path, {METADATA_KEY: '{"format": 1}'}), "'model' is missing"),
        (future, "written by a newer imexseg"),
        (
            lambda path: rewrite(path, tensors={"opening.0.weight": torch.zeros(1)}),
            "opening.0.weight should have shape",
        ),
        (lambda path: rewrite(path, tensors={"extra": torch.zeros(1)}), "extra should have shape none"),
    ],
)
def test_bad_files_are_explained(damage, message: str, tmp_path: Path):
    path = tmp_path / "w.safetensors"
    saved(path)
    damage(path)
    with pytest.raises(UsageError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_loading_executes_nothing(tmp_path: Path):
    class Attack:
        def __reduce__(self):
            return Path.touch, (tmp_path / "owned",)

    path = tmp_path / "w.safetensors"
    path.write_bytes(pickle.dumps(Attack()))
    with pytest.raises(UsageError):
        load(path)
    assert not (tmp_path / "owned").exists()
