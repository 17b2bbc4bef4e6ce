"""The part of `imexseg train` that plans: what is set stays as it is, and the rest is decided round it."""

import time
from typing import TYPE_CHECKING, Any

from imexseg.cli.console import messages
from imexseg.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from imexseg.training.config import RunConfig
    from imexseg.training.fit import RunData

# Of a run, not of what it is trained on: nothing to plan.
_APART = frozenset(("data", "output", "plan", "qtips"))


def wants_plan(config: "RunConfig", options: "argparse.Namespace") -> bool:
    """Without a network there is everything to plan; with one, what the limits ask for. A plan in config.yaml is kept.

    Raises: UsageError for limits without data.
    """
    limits = [name for name in ("budget", "max_size", "max_ms", "threads", "pretrained") if getattr(options, name)]
    if config.data is None:
        if limits:
            raise UsageError(f"--{limits[0].replace('_', '-')}: is for a data set; give DATA, or leave it out")
        return False
    if config.plan is not None and not {"max_size", "max_ms"} & set(limits):
        return False
    named = {"model", "network", "init_weights"} & config.model_fields_set
    return not named or config.budget is not None or bool({"max_size", "max_ms"} & set(limits))


def planned(config: "RunConfig", options: "argparse.Namespace", data: "RunData", begun: float) -> "RunConfig":
    """The same settings, completed by a plan, which is printed. Raises: UsageError as make_plan."""
    from imexseg.cli.plan import limits_of
    from imexseg.plan.planner import make_plan
    from imexseg.training.config import RunConfig

    given = _given(config)
    limits = limits_of(options, budget=config.budget)
    plan = make_plan(data, given, limits, begun, measure=False, say=messages.print)
    kept = {name: getattr(config, name) for name in ("data", "output")}
    settled = RunConfig.model_validate(given | plan.settings | kept | {"plan": plan.as_dict()})
    messages.print("planned, since no network was named:" if "model" not in given else "planned for the limits:")
    for decision in plan.decisions:
        messages.print(f"  {decision.what}: {decision.value} ({decision.why})")
    from imexseg.plan.plan import expected_in_words

    for what, said in expected_in_words(plan.expected).items():
        messages.print(f"  expected {what}: {said}")
    messages.print(f"  decided by {plan.decided_by}; whatever you set yourself stays, and the rest is planned round it")
    for remark in plan.remarks:
        messages.print(f"warning: {remark}")
    return settled


def _given(config: "RunConfig") -> dict[str, Any]:
    """What is not to be decided."""
    given = {name: getattr(config, name) for name in config.model_fields_set - _APART}
    if "init_weights" in given and "model" not in given and "network" not in given:
        given |= _of_weights(given["init_weights"])
    if {"network", "model"} & given.keys():  # a network that was named sees the images as it always did
        given |= {name: getattr(config, name) for name in ("long_side", "crop", "augmentation", "num_workers")} | given
        given = {"model": config.model} | given
    return given


def _of_weights(weights: str) -> dict[str, Any]:
    """Fine-tuning goes on with the network that the weights are of. Raises: UsageError if there are none."""
    from imexseg.models.artefact import load
    from imexseg.models.weights import find_weights

    info = load(find_weights(weights)).info
    return {"model": info.model, "network": info.training.get("network") or {}}


def seconds_for_training(config: "RunConfig", begun: float) -> float | None:
    """Of the budget, what is left when reading, planning and the report have had their part; None without one."""
    if config.budget is None:
        return None
    from imexseg.plan import rules

    report = (config.plan or {}).get("expected", {}).get("seconds_of_report")
    reserved = report or rules.REPORT + rules.SUSPICIOUS * config.budget
    left = config.budget - reserved - (time.monotonic() - begun)
    return max(left, 1.0)
