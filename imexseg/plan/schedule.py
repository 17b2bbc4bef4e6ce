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
    visits = max(0.0, left / costs.image)
    passes = visits / costs.whole
    images = costs.whole
    if passes < rules.FEWEST_EPOCHS:
        images = max(costs.batch, int(visits / rules.FEWEST_EPOCHS) // costs.batch * costs.batch)
    elif passes > rules.MOST_EPOCHS:
        images = costs.whole * math.ceil(min(passes, most_passes) / rules.MOST_EPOCHS)
    overhead = costs.validation + rules.SAVING
    if overhead > rules.VALIDATION_SHARE * images * costs.image:  # validate less often, but not too seldom
        wanted = overhead / (rules.VALIDATION_SHARE * costs.image)
        seldom = max(0.0, left / rules.FEWEST_EPOCHS - overhead) / costs.image
        images = max(images, int(min(wanted, seldom)) // costs.batch * costs.batch)
    epochs = int(left / costs.epoch(images)) if left > 0 else 0
    most = max(1, round(most_passes * costs.whole / images))
    return Schedule(min(epochs, most), images, full=epochs <= most)


def least_seconds(costs: Costs) -> float:
    """What LEAST_STEPS take, in as few epochs as they fill."""
    whole = max(costs.whole, costs.batch)
    images = rules.LEAST_STEPS * costs.batch
    return costs.first + costs.epoch(min(images, whole)) * math.ceil(images / whole)
