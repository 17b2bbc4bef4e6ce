"""What would help a run most, from the run itself: lines for a person, the weightiest first."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from imexseg.evaluation.scores import Scores

GAP = 0.10  # of mIoU between training and validation
CONFUSED = 0.15  # of the pixels of a class that are given to one other
RARE = 0.001  # of all pixels: confusion of smaller classes is not worth a line
STILL_FALLING = 0.08  # of the training loss, over the last quarter of the epochs
RISEN = 1.10  # times the smallest validation loss
DRAWS = 400  # of validation images, for the interval of the score
FEW = 20  # validation images


def advice(
    history: Sequence[dict[str, Any]],
    scores: Scores,
    confusions: Sequence[np.ndarray],
    trained: Scores | None,
) -> list[str]:
    """Args: scores, confusions: on validation, and of each of its images.  trained: on the training images, if looked at."""
    lines = []
    gap = None if trained is None else trained.miou - scores.miou
    if trained is not None and gap is not None and gap > GAP:
        lines.append(
            f"More images, or stronger augmentation: mIoU is {trained.miou:.3f} on training images and {scores.miou:.3f} on "
            "validation images, so much was learnt by heart."
        )
    if (rising := _rising(history)) is not None:
        lines.append(rising)
    elif (overfitted := _overfitted(history)) is not None and gap is not None and gap > GAP / 2:
        lines.append(overfitted)
    if (confused := _confused(scores)) is not None:
        lines.append(confused)
    absent = [name for name, iou in scores.iou.items() if iou is None]
    if absent:
        lines.append(
            f"Validation images with {', '.join(absent[:5])}: without any, nobody knows how well that is recognised."
        )
    if len(confusions) < FEW:
        lines.append(
            f"More validation images: drawn again from these {len(confusions)}, the score varies by "
            f"± {100 * half_interval(confusions):.0f} points (95 %)."
        )
    return lines


def half_interval(confusions: Sequence[np.ndarray]) -> float:
    """Half the width of the bootstrap interval of 95 % of the mIoU, over images. Needs one image; of one it is 0."""
    stack = np.stack(confusions)
    random = np.random.default_rng(0)
    names = tuple(str(k) for k in range(stack.shape[1]))
    drawn = (random.integers(0, len(stack), len(stack)) for _ in range(DRAWS))
    mious = [Scores(names, stack[chosen].sum(axis=0), len(stack)).miou for chosen in drawn]
    low, high = np.nanquantile(mious, [0.025, 0.975])
    return float(high - low) / 2


def _rising(history: Sequence[dict[str, Any]]) -> str | None:
    """If the run ended while it still got better."""
    if len(history) < 4:
        return None
    quarter = max(1, len(history) // 4)
    before, last = (
        np.mean([row["train_loss"] for row in rows]) for rows in (history[-2 * quarter : -quarter], history[-quarter:])
    )
    val = [row["val_loss"] for row in history]
    mious = [row["val_miou"] for row in history]
    still_falling = last < (1 - STILL_FALLING) * before and min(val[-quarter:]) <= min(val)
    if not still_falling or int(np.argmax(mious)) < len(mious) - 1 - quarter:
        return None
    gained = max(mious[-quarter:]) - max(mious[:-quarter])
    return (
        f"A larger budget: in the last quarter of the epochs the training loss still fell by {1 - last / before:.0%} and the "
        f"score rose by {100 * max(gained, 0.0):.1f} points."
    )


def _overfitted(history: Sequence[dict[str, Any]]) -> str | None:
    val = [row["val_loss"] for row in history]
    best = int(np.argmin(val))
    if len(val) < 4 or val[-1] < RISEN * val[best] or best > 0.7 * len(val):
        return None
    return (
        f"More images or augmentation rather than time: the validation loss was lowest after epoch {history[best]['epoch']} and "
        f"has risen by {val[-1] / val[best] - 1:.0%} since."
    )


def _confused(scores: Scores) -> str | None:
    confusion = scores.confusion.astype(float)
    truth = confusion.sum(axis=1)
    shares = confusion / np.maximum(truth[:, None], 1)
    np.fill_diagonal(shares, 0)
    shares[truth < RARE * truth.sum()] = 0
    true, given = np.unravel_index(int(shares.argmax()), shares.shape)
    if shares[true, given] < CONFUSED:
        return None
    a, b = scores.names[true], scores.names[given]
    return (
        f"Images that show {a} beside {b}: {shares[true, given]:.0%} of the pixels of {a} are taken for {b}. If people would "
        "disagree too, merge the two (`classes:` in data.yaml)."
    )
