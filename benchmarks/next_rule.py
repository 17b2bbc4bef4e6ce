"""A rule for which image to label next, which does not pay (benchmarks/next.py): greedy k-centre, weighted by doubt.

    score = distance to the nearest image that is labelled or chosen already  ·  (1 - mean confidence)

The image with the highest score is chosen, then the next, and so on: none that is sure, and no two that look alike. Distances are
Euclidean, between features of which each has been divided by its deviation over all images.

Source: Sener, Savarese 2018, Active Learning for Convolutional Neural Networks: A Core-Set Approach (k-centre without doubt).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from imexseg.data.read.as_trained import as_trained
from imexseg.data.read.tensors import image_to_tensor
from imexseg.errors import UsageError
from imexseg.inference.confidence import confidence
from imexseg.models.contract import ImageNetwork

LARGEST = 2048  # pixels a side: of a larger image the middle is looked at


@dataclass(frozen=True, eq=False)
class Look:
    """confidence: mean probability of the winning class, over the pixels that mean something.  feature: (2 · channels,), mean and
    standard deviation of what the classifier is given; comparable between images seen by one network."""

    confidence: float
    feature: np.ndarray


def look_at(network: ImageNetwork, image: np.ndarray, void: np.ndarray | None = None, name: str = "image") -> Look:
    """Shapes: image (H, W, C) as read, void (H, W) bool where it means nothing. Raises: UsageError if it does not fit."""
    middle = tuple(slice(max(0, (side - LARGEST) // 2), (side + LARGEST) // 2) for side in image.shape[:2])
    image, void = image[middle], None if void is None else void[middle]
    pixels = image_to_tensor(as_trained(image, network.info, name)[0])
    with torch.inference_mode(), _listening(network) as heard:
        probabilities = network(pixels[None].to(next(network.parameters()).device))[0].softmax(0).cpu().numpy()
    shares = confidence(probabilities, network.info.temperature or 1.0)
    known = shares if void is None or void.all() else shares[~void]
    inside = heard[-1][0].flatten(1)
    feature = torch.cat([inside.mean(1), inside.std(1, unbiased=False)]).cpu().numpy().astype(np.float64)
    return Look(float(known.mean()), feature)


@contextmanager
def _listening(network: ImageNetwork) -> Iterator[list[Tensor]]:
    """What is given to each layer that makes classes, (B, C, h, w), in the order of computation.

    Raises: UsageError for a network without such a layer.
    """
    heard: list[Tensor] = []
    classifiers = [
        layer
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.out_channels == network.config.num_classes
    ]
    if not classifiers:
        raise UsageError(f"{type(network).__name__} has no convolution that makes its classes; give other weights")
    hooks = [layer.register_forward_pre_hook(lambda _, given: heard.append(given[0].detach())) for layer in classifiers]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


@dataclass(frozen=True)
class Choice:
    """number: of the image among those without labels.  distance: to the nearest labelled or chosen one when it was chosen, in
    deviations; 0 where nothing was labelled or chosen before."""

    number: int
    distance: float
    score: float


def choose(n: int, labelled: Sequence[Look], unlabelled: Sequence[Look]) -> list[Choice]:
    """At most n, the most useful first. Of equal scores the earlier image."""
    everything = np.stack([look.feature for look in (*labelled, *unlabelled)])
    deviation = everything.std(axis=0)
    features = everything / np.where(deviation > 0, deviation, 1.0) / np.sqrt(everything.shape[1])
    known, candidates = features[: len(labelled)], features[len(labelled) :]
    doubt = np.array([1 - look.confidence for look in unlabelled])
    nearest = np.full(len(candidates), np.inf)
    for feature in known:
        nearest = np.minimum(nearest, np.linalg.norm(candidates - feature, axis=1))
    choices: list[Choice] = []
    open_ = np.ones(len(candidates), dtype=bool)
    while len(choices) < min(n, len(candidates)):
        distance = nearest if np.isfinite(nearest).all() else np.ones(len(candidates))  # nothing to be unlike
        score = np.where(open_, distance * doubt, -1.0)
        number = int(score.argmax())
        open_[number] = False
        choices.append(
            Choice(number, float(nearest[number]) if np.isfinite(nearest[number]) else 0.0, float(score[number]))
        )
        nearest = np.minimum(nearest, np.linalg.norm(candidates - candidates[number], axis=1))
    return choices
