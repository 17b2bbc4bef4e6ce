"""An honest confidence: one number that the logits are divided by, chosen on the validation images once training is over.

T minimises the cross-entropy of softmax(z / T), which has one minimum, over the validation pixels. No class changes by it.

Source: Guo, Pleiss, Sun, Weinberger 2017, On Calibration of Modern Neural Networks.
"""

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from imexseg.data.check.scan import SplitFacts
from imexseg.data.description.labels import IGNORE
from imexseg.data.read.as_trained import as_trained
from imexseg.data.read.tensors import image_to_tensor
from imexseg.evaluation.evaluate import read_pair
from imexseg.models.artefact import load, save_weights
from imexseg.models.contract import ImageNetwork

LOWEST, HIGHEST = 0.05, 20.0
PIXELS = 400_000  # that are looked at, evenly drawn from all images
MOST_IMAGES = 256  # evenly chosen
LARGEST = 2048  # pixels a side: of a larger image the middle is seen
_GOLDEN = (math.sqrt(5) - 1) / 2
_PRECISION = 1e-3  # of log T


def calibrate(weights: Path, val: SplitFacts) -> float | None:
    """Measure the temperature and write it into a weights file, whole or not at all.

    Returns: the temperature; None, with the file as it was, if there is no validation pixel to look at.
    Raises: JobError if the file cannot be written.
    """
    network = load(weights)
    logits, truth = _sampled(network, val)
    if not len(truth):
        return None
    temperature = best_temperature(logits, truth)
    save_weights(weights, network, network.info.model_copy(update={"temperature": temperature}))
    return temperature


def best_temperature(logits: Tensor, truth: Tensor) -> float:
    """Shapes: logits (n, classes), truth (n,) int64. Returns: T between LOWEST and HIGHEST, to four digits."""
    logits = logits.double()
    right = logits.gather(1, truth[:, None])[:, 0]

    def loss(log_temperature: float) -> float:
        scale = math.exp(-log_temperature)
        return float((torch.logsumexp(logits * scale, dim=1) - right * scale).mean())

    low, high = math.log(LOWEST), math.log(HIGHEST)
    inner = [high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)]
    losses = [loss(inner[0]), loss(inner[1])]
    while high - low > _PRECISION:
        if losses[0] <= losses[1]:
            high = inner[1]
            inner = [high - _GOLDEN * (high - low), inner[0]]
            losses = [loss(inner[0]), losses[0]]
        else:
            low = inner[0]
            inner = [inner[1], low + _GOLDEN * (high - low)]
            losses = [losses[1], loss(inner[1])]
    return float(f"{math.exp((low + high) / 2):.4g}")


def _sampled(network: ImageNetwork, val: SplitFacts) -> tuple[Tensor, Tensor]:
    """Logits (n, classes) and truth (n,) of pixels that count, each image in its own size as `predict` sees it."""
    chosen = [val.pairs[number] for number in _evenly(len(val.pairs), MOST_IMAGES)]
    most = -(-PIXELS // len(chosen))
    logits, truth = [torch.zeros(0, len(network.info.names))], [torch.zeros(0, dtype=torch.int64)]
    for pair in chosen:
        image, mask = read_pair(pair, network.info.names)
        if mask.size > LARGEST**2:
            if network.config.long_side is not None:
                continue  # it is seen as a whole, and its logits would be as large as it is
            middle = tuple(slice(max(0, (side - LARGEST) // 2), (side + LARGEST) // 2) for side in mask.shape)
            image, mask = image[middle], mask[middle]
        pixels = image_to_tensor(as_trained(image, network.info, pair.image)[0])
        with torch.inference_mode():
            scores = network(pixels[None])[0].flatten(1)
        counted = np.flatnonzero(mask.ravel() != IGNORE)
        where = torch.from_numpy(counted[_evenly(len(counted), most)])
        logits.append(scores[:, where].T)
        truth.append(torch.from_numpy(mask.ravel().astype(np.int64))[where])
    return torch.cat(logits), torch.cat(truth)


def _evenly(n: int, most: int) -> np.ndarray:
    """At most so many of the numbers from 0 to n - 1, spread over all of them."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)
