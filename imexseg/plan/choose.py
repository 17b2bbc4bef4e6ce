"""Which network, at which scale: the most promising that the limits of the device and of time leave."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from imexseg.errors import UsageError
from imexseg.models.recipes import recipe_of
from imexseg.plan import rules
from imexseg.plan.device import PRECISIONS, Weighed, parameters_of, weigh
from imexseg.plan.plan import Limits
from imexseg.plan.rules import Candidate
from imexseg.plan.scales import Scale
from imexseg.plan.schedule import Costs
from imexseg.plan.seen import Seen
from imexseg.plan.trial import LEAST_STEPS, Speed, try_steps
from imexseg.training.config import RunConfig
from imexseg.units import in_bytes

TRIAL = 5.0  # seconds of steps in one trial
TRIALS = 18.0  # seconds of all of them, before the next is not begun
CHEAPER = 0.95  # of the cost of one candidate: another one that costs more is no way out
WEIGHINGS = 4  # exports of one plan, before the last attempt
HOPE = 1.05  # times a limit in milliseconds: what is expected to take more is not exported


@dataclass
class Choice:
    """What has been settled so far."""

    candidate: Candidate
    scale: Scale
    speed: Speed | None = None
    weighed: Weighed | None = None
    precision: str = "fp32"
    by: str = ""  # which limit decided
    trial_seconds: float = 0.0
    steps_tried: int = 0


class Chooser:
    """Tries and weighs candidates. Args: given: settings of RunConfig that are not for it to decide."""

    def __init__(self, seen: Seen, given: dict[str, Any], limits: Limits, say: Callable[[str], None]):
        self.seen = seen
        self.given = given
        self.limits = limits
        self.say = say
        self.tried: dict[tuple[Candidate, Scale], Speed] = {}
        self.found: dict[tuple[Candidate, Scale, str], Weighed] = {}

    def config(self, candidate: Candidate, scale: Scale) -> RunConfig:
        """All settings of a run with it, as far as they matter for time and size."""
        recipe = vars(recipe_of(candidate.model, candidate.network))
        of_it = {"model": candidate.model, "network": candidate.network}
        at = {"long_side": scale.long_side, "crop": scale.crop}
        n = len(self.seen.data.train.pairs)
        shared = self.given.get("devices", 1) * self.given.get("num_nodes", 1)  # by so many processes alike
        whole = {"batch_size": max(shared, min(recipe["batch_size"], n) // shared * shared)}
        return RunConfig.model_validate(
            recipe | of_it | at | whole | {"data": self.seen.data.description.root} | self.given
        )

    def settle(
        self, candidates: list[Candidate], scales: list[Scale], seconds: Callable[[], float] | None, weighing: bool
    ) -> Choice:
        """Args: seconds: left for training, by the clock, None if nobody asked how long it takes.  weighing: size and speed are
        asked for even where nothing limits them.

        Raises: UsageError if nothing meets the limits of the device.
        """
        choice = (
            self._within_device(candidates, scales) if self.limits.of_the_device else Choice(candidates[0], scales[0])
        )
        if seconds is not None:
            fitting = [scale for scale in scales if scale.seen_side <= choice.scale.seen_side] or [choice.scale]
            later = candidates[candidates.index(choice.candidate) :]
            if self.limits.of_the_device:
                later = [choice.candidate]
            choice = self._within_time(choice, later, fitting, seconds)
        if weighing and (
            choice.weighed is None or (choice.candidate, choice.scale, choice.precision) not in self.found
        ):
            choice.weighed = self._weigh(choice.candidate, choice.scale, choice.precision)
        return choice

    def _within_time(
        self, choice: Choice, candidates: list[Candidate], scales: list[Scale], seconds: Callable[[], float]
    ) -> Choice:
        smallest = ([scale for scale in scales if scale.seen_side >= rules.LEAST_SCALE] or scales)[-1]
        begun = time.monotonic()
        candidate, speed = candidates[0], self._try(candidates[0], smallest)
        for other in candidates[1:]:
            costs = costs_of(speed, self.seen)
            least = max(candidate.visits, rules.LEAST_STEPS * costs.batch)
            if seconds() - costs.first >= least * costs.image or time.monotonic() - begun > TRIALS:
                break
            if other.cost < CHEAPER * candidate.cost:
                candidate, speed = other, self._try(other, smallest)
        chosen = smallest
        for scale in scales[: scales.index(smallest)]:
            costs = costs_of(self._scaled(speed, smallest, scale), self.seen)
            if seconds() - costs.first >= candidate.passes * costs.whole * costs.image:
                chosen = scale
                break
        by = "the budget" if chosen is not scales[0] or candidate is not candidates[0] else choice.by
        scaled = self._scaled(speed, smallest, chosen)
        left = TRIALS - (time.monotonic() - begun)
        if chosen is not smallest and (LEAST_STEPS + 1) * scaled.step * scaled.batch_size < left:
            scaled = self._try(candidate, chosen)
        speed = scaled
        tried = sum(speed.steps for speed in self.tried.values())
        took = sum(speed.took for speed in self.tried.values())
        weighed = choice.weighed if chosen is choice.scale and candidate is choice.candidate else None
        return replace(
            choice,
            candidate=candidate,
            scale=chosen,
            speed=speed,
            weighed=weighed,
            by=by,
            trial_seconds=took,
            steps_tried=tried,
        )

    def _scaled(self, speed: Speed, tried: Scale, scale: Scale) -> Speed:
        """Time goes with the number of pixels."""
        factor = self.seen.pixels(scale.long_side, scale.crop) / self.seen.pixels(tried.long_side, tried.crop)
        whole = self.seen.pixels(scale.long_side) / self.seen.pixels(tried.long_side)
        return replace(speed, step=speed.step * factor, augment=speed.augment * factor, validate=speed.validate * whole)

    def _try(self, candidate: Candidate, scale: Scale) -> Speed:
        key = (candidate, scale)
        if key not in self.tried:
            self.say(f"trying {candidate.model}, {scale.words}")
            self.tried[key] = try_steps(self.config(candidate, scale), self.seen.data, TRIAL)
        return self.tried[key]

    def _weigh(self, candidate: Candidate, scale: Scale, precision: str) -> Weighed:
        key = (candidate, scale, precision)
        if key not in self.found:
            self.say(f"exporting {candidate.model}, {scale.words}, untrained, {precision}")
            self.found[key] = weigh(self.config(candidate, scale), self.seen.data, self.limits.threads, precision)
        return self.found[key]

    def _within_device(self, candidates: list[Candidate], scales: list[Scale]) -> Choice:
        """The first candidate, at the largest scale, whose exported file keeps the limits; measured, not estimated.

        What is estimated is only which of them to export: that takes seconds each.
        """
        large = [scale for scale in scales if scale.seen_side >= rules.LEAST_SCALE] or scales[-1:]
        small = [scale for scale in scales if scale not in large]
        machine = 1.0  # how much slower than the one that the rules were measured on
        for at in (large, small):
            for candidate, precision in itertools.product(candidates, PRECISIONS):
                if not at or not self._may_fit(candidate, at[0], precision):
                    continue
                for scale in at:
                    guess = machine * self._guess_ms(candidate, scale)
                    if len(self.found) >= WEIGHINGS or (self.limits.max_ms and guess > HOPE * self.limits.max_ms):
                        continue
                    weighed = self._weigh(candidate, scale, precision)
                    machine *= weighed.ms / guess
                    if self._kept(weighed):
                        return self._chosen(candidate, scale, precision, (candidates[0], scales[0]))
                    if self.limits.max_size and weighed.bytes > self.limits.max_size:
                        break
        return self._nearest(candidates, scales)

    def _kept(self, weighed: Weighed) -> bool:
        if self.limits.max_size and weighed.bytes > self.limits.max_size:
            return False
        return not self.limits.max_ms or weighed.ms <= self.limits.max_ms

    def _chosen(self, candidate: Candidate, scale: Scale, precision: str, first: tuple[Candidate, Scale]) -> Choice:
        by = "" if (candidate, scale) == first and precision == PRECISIONS[0] else self._decided(candidate, first)
        return Choice(candidate, scale, weighed=self.found[candidate, scale, precision], precision=precision, by=by)

    def _decided(self, candidate: Candidate, first: tuple[Candidate, Scale]) -> str:
        if self.limits.max_size and candidate is not first[0] and not self.limits.max_ms:
            return "--max-size"
        too_large = self.limits.max_size and not any(
            key[0] is first[0] and weighed.bytes <= self.limits.max_size for key, weighed in self.found.items()
        )
        return "--max-size" if too_large else "--max-ms"

    def _may_fit(self, candidate: Candidate, scale: Scale, precision: str) -> bool:
        """By its number of weights, before it is exported."""
        if self.limits.max_size is None:
            return precision == "fp32"  # half precision is for small files; on a CPU it is no faster
        half = PRECISIONS.index(precision)
        return self._bytes(candidate, scale, half) - 0.5 * candidate.bytes_above[half] <= self.limits.max_size

    def _bytes(self, candidate: Candidate, scale: Scale, half: int) -> int:
        """About that many, of the .onnx."""
        weights = parameters_of(self.config(candidate, scale), self.seen.data) * (2 if half else 4)
        return weights + candidate.bytes_above[half]

    def _guess_ms(self, candidate: Candidate, scale: Scale) -> float:
        """On the machine of the rules: what the network takes, and scaling the image down and the scores up."""
        seen = rules.MS_OF_A_PIXEL * candidate.latency * self.seen.pixels(scale.long_side)
        return seen + (rules.MS_OF_SCALING * self.seen.pixels(None) if scale.long_side is not None else 0.0)

    def _nearest(self, candidates: list[Candidate], scales: list[Scale]) -> Choice:
        """One more attempt, with the smallest. Raises: UsageError naming what comes nearest to the limits."""
        scale = scales[-1]
        precision = PRECISIONS[-1] if self.limits.max_size else PRECISIONS[0]
        half = PRECISIONS.index(precision)
        by_size = min(candidates, key=lambda one: self._bytes(one, scale, half))
        by_time = min(candidates, key=lambda one: one.latency)
        last = by_size if self.limits.max_size else by_time
        if self._kept(self._weigh(last, scale, precision)):
            return self._chosen(last, scale, precision, (candidates[0], scales[0]))

        def excess(weighed: Weighed) -> float:
            over = [weighed.bytes / self.limits.max_size] if self.limits.max_size else []
            over += [weighed.ms / self.limits.max_ms] if self.limits.max_ms else []
            return max(over)

        (candidate, at, kind), weighed = min(self.found.items(), key=lambda item: excess(item[1]))
        threads = f"{weighed.threads} thread{'s' * (weighed.threads > 1)}"
        raise UsageError(
            f"{self.limits.in_words()}: no network keeps it; the nearest is {candidate.model}"
            f"{f' with {settings}' if (settings := candidate.network) else ''}, {at.words}, {kind}: "
            f"{in_bytes(weighed.bytes)}, {weighed.ms:.1f} ms with {threads}; allow that much, or scale the images down"
        )


def costs_of(speed: Speed, seen: Seen) -> Costs:
    """Of a run at that speed."""
    n = seen.n_train
    return Costs(
        image=speed.step + speed.augment + (0.0 if speed.kept else speed.read),
        validation=seen.n_val * speed.validate,
        first=speed.start + ((n + seen.n_val) * speed.read if speed.kept else 0.0),
        whole=n,
        batch=min(speed.batch_size, n),
    )
