"""How probable the winning class is, by a network whose confidence was calibrated.

With z the logits and T the temperature, the probability of the winner is 1 / Σ exp((z - max z) / T). It is computed from the
probabilities p = softmax(z), as Σ (p / max p)^(1/T): those come from every runtime, from tiles and from augmented copies alike.

Source: Guo, Pleiss, Sun, Weinberger 2017, On Calibration of Modern Neural Networks.
"""

from typing import Any

import numpy as np

from imexseg.errors import UsageError

STEPS = 255  # of the picture: 0 is a probability of 0, 255 of 1


def confidence(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Shapes: (num_classes, H, W), adding up to 1 → (H, W) float32 from 1 / num_classes to 1."""
    largest = probabilities.max(0)
    if temperature == 1:
        return largest.astype(np.float32)
    relative = probabilities / np.maximum(largest, np.finfo(np.float32).tiny)
    return (1 / np.power(relative, np.float32(1 / temperature)).sum(0)).astype(np.float32)


def as_grey(shares: np.ndarray, void: np.ndarray | None = None) -> np.ndarray:
    """Rounded to 255ths; 0 where the image means nothing. Shapes: (H, W) float → (H, W) uint8."""
    grey = np.round(shares * STEPS).astype(np.uint8)
    return grey if void is None else np.where(void, np.uint8(0), grey)


def require_probabilities(predictor: Any, weights: str | None, option: str) -> None:
    """Raises: UsageError for an exported file that gives classes alone."""
    if not predictor.gives_probabilities:
        raise UsageError(
            f"{option}: {weights} gives classes without probabilities; export it again with --probabilities, or give the "
            ".safetensors weights"
        )


def temperature_in_words(info: Any) -> str:
    """Of weights, for a person."""
    if info.temperature is None:
        return "not calibrated: these weights hold no temperature, 1 was taken"
    return f"calibrated with the temperature {info.temperature:.3g}"
