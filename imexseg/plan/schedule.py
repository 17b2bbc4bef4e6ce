"""How many epochs of how many images fit into the seconds that there are. Pure arithmetic."""

import math
from dataclasses import dataclass

from imexseg.plan import rules


@dataclass(frozen=True)
class Costs:
    """Units: seconds. image: of training; validation: of all validation images; first: once, before the second epoch.

    whole: images of the training split.  batch: images of a step of the optimiser.
    """

    image: float
    validation: float
    first: float
    whole: int
    batch: int

    def epoch(self, images: int) -> float:
        """Steps take whole batches, unless there is not even one."""
        drawn = images // self.batch * self.batch or images
        return drawn * self.image + self.validation + rules.SAVING

    def run(self, epochs: int, images: int) -> float:
        return self.first + epochs * self.epoch(images)

    def steps(self, epochs: int, images: int) -> int:
        return epochs * max(1, images // self.batch)


@dataclass(frozen=True)
class Schedule:
    """images: drawn in an epoch.  full: whether all of the budget is used, which more time would lengthen."""

    epochs: int
    images: int
    full: bool

    def passes(self, whole: int) -> float:
        return self.epochs * self.images / whole


def fit(costs: Costs, seconds: float, most_passes: int) -> Schedule:
    """The longest run that keeps the seconds: at least FEWEST_EPOCHS validations if that many can be, at most MOST_EPOCHS.

    epochs is 0 where not even one epoch of one batch fits.
    """
    left = seconds - costs.first
    overhead = costs.validation + rules.SAVING
    passes = max(0.0, left / costs.image) / costs.whole
    room = max(0.0, left / rules.FEWEST_EPOCHS - overhead)  # seconds for the steps of each of the fewest epochs
    if room < costs.whole * costs.image:
        images = _batches(max(room, overhead) / costs.image, costs)  # where validation is most of it: less often
    else:
        images = costs.whole * max(1, math.ceil(min(passes, most_passes) / rules.MOST_EPOCHS))
        if overhead > rules.VALIDATION_SHARE * images * costs.image:
            images = max(images, _batches(min(overhead / rules.VALIDATION_SHARE, room) / costs.image, costs))
    epochs = int(left / costs.epoch(images)) if left > 0 else 0
    most = max(1, round(most_passes * costs.whole / images))
    return Schedule(min(epochs, most), images, full=epochs <= most)


def _batches(images: float, costs: Costs) -> int:
    """Whole batches of no more images than that, one at least; no less than all images if it is nearly all of them."""
    whole = max(1, int(images / costs.batch)) * costs.batch
    return costs.whole if abs(whole - costs.whole) < costs.batch else whole


def least_seconds(costs: Costs) -> float:
    """What LEAST_STEPS take, in as few epochs as they fill."""
    whole = max(costs.whole, costs.batch)
    images = rules.LEAST_STEPS * costs.batch
    return costs.first + costs.epoch(min(images, whole)) * math.ceil(images / whole)
