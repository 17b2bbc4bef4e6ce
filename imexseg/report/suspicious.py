"""Images whose labels the network disagrees with most: masks that are worth a second look, since some of them are wrong.

The network has seen most of them in training; what it still disagrees with after that is either hard or mislabelled.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F

from imexseg.data.description.labels import IGNORE
from imexseg.data.load.dataset import scaled_to
from imexseg.data.pairs.pairs import Pair
from imexseg.data.read.as_trained import as_trained
from imexseg.data.read.tensors import image_to_tensor
from imexseg.evaluation.evaluate import confusion_matrix, read_pair
from imexseg.models.contract import ImageNetwork

SHOWN = 10
LARGEST = 4_000_000  # pixels of an image as the network sees it: larger ones are left out


@dataclass(frozen=True)
class Doubtful:
    """loss: cross-entropy of the label against the network's own prediction, mean over labelled pixels.

    Shapes: image (H, W, C), truth and prediction (H, W), as the network sees them.
    """

    pair: Pair
    loss: float
    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray


@dataclass
class Look:
    """doubtful: the worst, worst first.  confusion: over all training images looked at.  looked, of: images."""

    confusion: np.ndarray
    of: int
    doubtful: list[Doubtful] = field(default_factory=list)
    looked: int = 0


def look_through(
    network: ImageNetwork,
    train: Sequence[Pair],
    val: Sequence[Pair],
    seconds: float,
    progress: Callable[[int, int], None] = lambda n_done, n_total: None,
) -> Look:
    """Validation images first, then training images evenly over the split, until the seconds are over."""
    names = list(network.info.names)
    pairs = [*val, *_evenly_first(train)]
    found = Look(np.zeros((len(names), len(names)), np.int64), len(pairs))
    deadline = time.monotonic() + seconds
    for number, pair in enumerate(pairs):
        if time.monotonic() > deadline:
            break
        doubtful = _judged(network, pair, names)
        if doubtful is not None:
            if number >= len(val):
                found.confusion += confusion_matrix(doubtful.truth, doubtful.prediction, len(names))
            found.doubtful = sorted([*found.doubtful, doubtful], key=lambda one: -one.loss)[:SHOWN]
        found.looked += 1
        progress(found.looked, len(pairs))
    return found


def _evenly_first(pairs: Sequence[Pair]) -> list[Pair]:
    """In an order of which every beginning is spread over all: by the bits of the number, backwards."""
    bits = max(1, (len(pairs) - 1).bit_length())
    return [pairs[i] for i in sorted(range(len(pairs)), key=lambda i: int(f"{i:0{bits}b}"[::-1], 2))]


def _judged(network: ImageNetwork, pair: Pair, names: list[str]) -> Doubtful | None:
    image, truth = read_pair(pair, names)
    image = as_trained(image, network.info, pair.image)[0]
    if network.config.long_side is not None:
        image, truth = scaled_to(image, truth, network.config.long_side)
    if truth.size > LARGEST or not (truth != IGNORE).any():
        return None
    with torch.inference_mode():
        logits = network.at_own_scale(image_to_tensor(image)[None]).float()
    mask = torch.from_numpy(truth.astype(np.int64))[None]
    loss = float(F.cross_entropy(logits, mask, ignore_index=IGNORE))
    return Doubtful(pair, loss, image, truth, logits[0].argmax(0).numpy().astype(np.uint8))
