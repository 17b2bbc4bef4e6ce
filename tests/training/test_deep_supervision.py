"""Deep supervision: every stage is taught by itself, and what teaches it is gone from the weights."""

from pathlib import Path

import pytest
import torch
from tiny_runs import train

from imexseg.errors import UsageError
from imexseg.models.artefact import load
from imexseg.models.build import build_network, model_config
from imexseg.training.config import RunConfig
from imexseg.training.deep_supervision import StageHeads
from imexseg.training.losses import Loss
from imexseg.training.transfer import check_beginning

TWO_STAGES = {"width": [4, 6], "n_steps": [1, 1], "norm": "tv"}


def test_every_stage_and_only_a_stage_is_taught():
    torch.manual_seed(0)
    network = build_network(model_config("imex-residual-lean-photo-s", num_classes=3))
    heads = StageHeads(network)
    image, mask = torch.rand(2, 1, 21, 30), torch.randint(0, 3, (2, 21, 30))  # neither side a multiple of the stride
    with heads.watching(network):
        answer = network.at_own_scale(image)
    loss = heads.loss(Loss("cross-entropy", torch.ones(3)), mask)
    loss.backward()
    taught = {name.split(".")[0] for name, weight in network.named_parameters() if weight.grad is not None}
    assert taught == {"backbone"}
    assert all(head.weight.grad.abs().max() > 0 for head in heads.heads)
    # By itself: the mean of two cross-entropies of interpolated maps, of stages at strides 4 and 8.
    features = network.backbone(network.pad_to_stride(image))
    expected = 0.0
    for head, feature, stride in zip(heads.heads, features, (4, 8), strict=True):
        logits = torch.nn.functional.interpolate(head(feature), scale_factor=float(stride), mode="bilinear")
        expected += torch.nn.functional.cross_entropy(logits[..., :21, :30], mask) / 2
    torch.testing.assert_close(loss, expected)
    assert not network.backbone.stages[0].steps._forward_hooks
    torch.testing.assert_close(network.at_own_scale(image), answer)


def test_weights_hold_no_heads_though_the_checkpoint_does(tmp_path: Path, qtips_folder: Path):
    train(tmp_path / "plain", qtips_folder, network=TWO_STAGES)
    train(tmp_path / "taught", qtips_folder, network=TWO_STAGES, deep_supervision=0.4, epochs=1)
    kept = [load(tmp_path / run / "best.safetensors").state_dict() for run in ("plain", "taught")]
    assert kept[0].keys() == kept[1].keys()
    assert not torch.equal(kept[0]["classifier.weight"], kept[1]["classifier.weight"])
    last = torch.load(tmp_path / "taught" / "last.ckpt", weights_only=True)["state_dict"]
    assert {"heads.heads.0.weight", "heads.heads.1.weight"} <= last.keys()


@pytest.mark.parametrize("model", ["imex-residual-lean-photo-tiny", "smp:Unet:resnet18"])
def test_without_stages_there_is_nothing_to_teach(model: str):
    with pytest.raises(UsageError, match="no stages"):
        check_beginning(RunConfig(model=model, deep_supervision=0.4))
