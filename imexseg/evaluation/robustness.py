"""Perturbing images before prediction, by noise or by an attack on the network."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from imexseg.data.read.as_trained import as_trained

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Perturbation:
    """What `imexseg evaluate` does to every image; noise, or an attack, or nothing.

    Args:
        noise: standard deviation of Gaussian noise, as a fraction of the full scale.
        attack: "fgsm", "pgd" or None.  epsilon: its largest change of a pixel value, as a fraction of the full scale.
        seed: of noise and of the start of pgd. Image number i has its own stream, whatever stands beside it in a batch.
        network: whose gradients are attacked; noise needs none.
    Properties: values stay between 0 and the full scale (or the image's own extremes, where a float image exceeds them),
        rounded to whole grey levels by whoever predicts, as in a file; noise = 0 or epsilon = 0 change nothing.
    """

    info: Any  # of a predictor
    noise: float = 0.0
    attack: str | None = None
    epsilon: float = 0.0
    attack_steps: int = 10
    seed: int = 0
    network: "nn.Module | None" = None

    def __call__(self, images: list[np.ndarray], masks: list[np.ndarray], first: int) -> list[np.ndarray]:
        """Shapes: images (H, W, C) as read, masks (H, W) → images (H, W, C) float32, where 1 is the full scale."""
        if (self.epsilon if self.attack else self.noise) == 0:
            return images
        # In the network's own values, so that 1 is its white whatever the files hold.
        pixels = [as_trained(image, self.info)[0].astype(np.float32) for image in images]
        if self.attack is None:  # without torch
            scaled = [image / np.float32(self.info.full_scale) for image in pixels]
            lowest, highest = min(0.0, *(float(x.min()) for x in scaled)), max(1.0, *(float(x.max()) for x in scaled))
            return [self._noisy(x, 1.0, first + i).clip(lowest, highest) for i, x in enumerate(scaled)]
        import torch

        from imexseg.data.read.tensors import image_to_tensor

        scale = self.info.full_scale
        batch = torch.stack([image_to_tensor(image) for image in pixels])
        truth = torch.stack([torch.from_numpy(mask.astype(np.int64)) for mask in masks])
        changed = self.perturb(batch, truth, first) / scale
        return [np.moveaxis(image.numpy(), 0, -1) for image in changed]

    def _noisy(self, image: np.ndarray, scale: float, number: int) -> np.ndarray:
        """Shapes: (H, W, C) → (H, W, C) float32. Args: scale: what of the image means white."""
        normal = np.random.default_rng((self.seed, number)).standard_normal(image.shape, dtype=np.float32)
        return image + np.float32(self.noise * scale) * normal

    def perturb(self, images: "Tensor", masks: "Tensor", first: int = 0) -> "Tensor":
        """The same on tensors of raw pixel values. Shapes: (B, C, H, W), (B, H, W) → (B, C, H, W)."""
        import torch

        from imexseg.evaluation.attacks import fgsm, pgd

        scale = self.info.full_scale
        lowest, highest = min(0.0, float(images.min())), max(scale, float(images.max()))
        if self.attack is None:
            rows = [image.movedim(0, -1).numpy() for image in images]
            noisy = np.stack([self._noisy(row, scale, first + i) for i, row in enumerate(rows)])
            return torch.from_numpy(noisy).movedim(-1, 1).clamp(lowest, highest)
        if self.network is None:
            raise ValueError(f"{self.attack} needs the gradients of a network, and none was given")
        epsilon = self.epsilon * scale
        if self.attack == "fgsm":
            return fgsm(self.network, images, masks, epsilon, lowest, highest)
        generators = [torch.Generator().manual_seed(self.seed * 1_000_003 + first + i) for i in range(len(images))]
        start = torch.stack([2 * torch.rand(images.shape[1:], generator=g) - 1 for g in generators])
        return pgd(self.network, images, masks, epsilon, lowest, highest, self.attack_steps, start)

    def as_dict(self) -> dict[str, str | float | int]:
        """The setting, for JSON."""
        if self.attack is None:
            return {"noise": self.noise, "seed": self.seed}
        setting: dict[str, str | float | int] = {"attack": self.attack, "epsilon": self.epsilon}
        return setting | ({"steps": self.attack_steps, "seed": self.seed} if self.attack == "pgd" else {})

    @property
    def in_words(self) -> str:
        if self.attack is None:
            return f"noise of {self.noise:g} of the full scale"
        steps = f" of {self.attack_steps} steps" if self.attack == "pgd" else ""
        return f"{self.attack}{steps} with epsilon {self.epsilon:g} of the full scale"
