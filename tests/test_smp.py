"""The adapter to segmentation-models-pytorch, in both directions."""

import pytest
import segmentation_models_pytorch as smp
import torch

import imexseg.smp
from imexseg.errors import UsageError
from imexseg.layers.dynamics import DYNAMICS
from imexseg.models.build import build_network, model_config

DECODERS = ["Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet", "UPerNet", "Segformer"]


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("depth", [3, 4, 5])
def test_decoders_take_our_encoder(decoder: str, depth: int):
    options: dict[str, object] = {}
    if decoder in ("Unet", "UnetPlusPlus", "MAnet"):
        options["decoder_channels"] = (64, 32, 16, 8, 8)[:depth]
    elif decoder in ("FPN", "PSPNet"):  # their defaults are for one depth
        options["upsampling"] = 2 ** (depth if decoder == "PSPNet" else depth - 3)
    kind = getattr(smp, decoder)
    network = kind("imex-lean-s", encoder_depth=depth, encoder_weights=None, in_channels=5, classes=3, **options).eval()
    with torch.no_grad():
        assert network(torch.randn(2, 5, 64, 96)).shape == (2, 3, 64, 96)


@pytest.mark.parametrize("name", [f"{dynamics}-lean-{size}" for dynamics in DYNAMICS for size in ("s", "m")])
def test_every_encoder_keeps_the_contract(name: str):
    encoder = smp.encoders.get_encoder(name, in_channels=4, depth=4, weights=None)
    image = torch.randn(1, 4, 32, 48)
    features = encoder(image)
    assert torch.equal(features[0], image)
    assert [f.shape[1] for f in features] == encoder.out_channels
    assert [f.shape[-2:] for f in features] == [(32 // 2**i, 48 // 2**i) for i in range(5)]
    assert encoder.output_stride == 16


def test_physics_is_bound_to_a_name_of_ones_own():
    imexseg.smp.register("mine", dynamics="parabolic", width=(8, 8, 8), n_steps=1, step_size=0.3)
    network = smp.FPN("mine", encoder_depth=3, encoder_weights=None)
    assert network.encoder.backbone.stages[0].steps[0].step_size == 0.3
    with pytest.raises(ValueError, match="needs stride 2, pooling between stages, and at least three stages"):
        imexseg.smp.register("bad", width=8)


@pytest.mark.parametrize("decoder", ["DeepLabV3Plus", "PAN", "DeepLabV3"])
def test_decoders_that_dilate_are_refused_with_the_reason(decoder: str):
    with pytest.raises(ValueError, match="cannot be dilated: a solve and its decay lengths belong to the grid"):
        getattr(smp, decoder)("imex-lean-s", encoder_weights=None)


def test_impossible_depths_are_refused():
    with pytest.raises(ValueError, match="encoder_depth must be 3 to 5 for this encoder, got 2"):
        smp.FPN("imex-lean-s", encoder_depth=2, encoder_weights=None)


@pytest.mark.parametrize("model", ["smp:Unet:resnet18", "smp:unet:tu-mobilenetv3_small_100"])
def test_peers_take_images_of_any_size(model: str):
    network = build_network(model_config(model, in_channels=2, mean=(3.0, 4.0), std=(5.0, 6.0), num_classes=4)).eval()
    with torch.no_grad():
        assert network(255 * torch.rand(1, 2, 45, 70)).shape == (1, 4, 45, 70)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("smp:Unet", "expected smp:ARCHITECTURE:ENCODER"),
        ("smp:Unot:resnet18", "unknown architecture 'Unot'; did you mean 'Unet'"),
        ("smp:Unet:resnet81", "unknown encoder 'resnet81'; did you mean 'resnet18'"),
        ("smp:PAN:vgg11", "PAN cannot take the encoder vgg11"),
    ],
)
def test_peers_that_do_not_exist_are_explained(model: str, message: str):
    with pytest.raises(UsageError, match=message):
        build_network(model_config(model))


def test_images_too_small_for_an_architecture_are_refused_before_training():
    network = build_network(
        model_config("smp:PAN:resnet18", in_channels=1, num_classes=2, mean=(0.0,), std=(1.0,))
    ).train()
    with pytest.raises(UsageError, match="cannot take images of 64 x 64 px"):
        network.require_size((64, 64))
    assert network.training
    network.require_size((128, 160))
