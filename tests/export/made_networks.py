"""Networks as training leaves them: statistics gathered, stencils moved, facts attached."""

import torch

from imexseg.models.build import build_network, model_config
from imexseg.models.contract import ImageNetwork
from imexseg.models.info import ModelInfo

PALETTE = [(0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115)]


def made(name: str, channels: int = 3, full_scale: float = 255.0, **settings: object) -> ImageNetwork:
    """A registered network of four classes; every parameter is a little off where it starts."""
    torch.manual_seed(0)
    mean, std = (0.4 * full_scale,) * channels, (0.2 * full_scale,) * channels
    config = model_config(name, in_channels=channels, num_classes=4, mean=mean, std=std, **settings)
    network = build_network(config).train()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * parameter.abs().mean() * torch.randn_like(parameter))
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.5  # near the statistics of the images, so that states stay of moderate size
        for _ in range(3):
            network(full_scale * torch.rand(2, channels, 64, 64))
    network.info = ModelInfo(
        model=name,
        network=config,
        names=["ground", "a", "b", "c"],
        palette=PALETTE,
        full_scale=full_scale,
        data={"name": "random", "size": [64, 64]},
        metrics={"split": "val", "miou": 0.5},
        training={"augmentation": "light"},
        version="0",
    )
    return network.eval()
