"""What a run that was planned will take, and what a person should know before it begins."""

import time
from typing import Any

from imexseg.plan import rules, schedule
from imexseg.plan.choose import Choice, costs_of
from imexseg.plan.seen import Seen
from imexseg.training.config import RunConfig


def expected(
    seen: Seen,
    choice: Choice,
    config: RunConfig,
    run: schedule.Schedule | None,
    begun: float,
    page: float,
    n_runs: int,
) -> dict[str, Any]:
    """As --json prints it. Args: begun: when the command began, by time.monotonic.  page: seconds of the report's page.
    n_runs: the network's own and those of its folds.
    """
    found: dict[str, Any] = {}
    if choice.speed is not None and run is not None:
        costs = costs_of(choice.speed, seen)
        training = n_runs * costs.run(run.epochs, run.images)
        report = page + 2 * seen.n_val * choice.speed.validate + rules.SUSPICIOUS * training
        found |= {
            "seconds": round(time.monotonic() - begun + training + report, 1),
            "seconds_of_training": round(training, 1),
            "seconds_of_report": round(report, 1),
            "seconds_per_epoch": round(costs.epoch(run.images), 2),
            "seconds_per_image": round(choice.speed.image, 5),
            "steps": costs.steps(run.epochs, run.images),
            "steps_tried": choice.steps_tried,
            "trial_seconds": round(choice.trial_seconds, 1),
        }
    if choice.weighed is not None:
        w = choice.weighed
        found |= {
            "file_bytes": w.bytes,
            "export_precision": w.precision,
            "ms": round(w.ms, 2),
            "threads": w.threads,
            "image_size": list(w.size),
            "timed_by": w.by,
            "parameters": w.parameters,
        }
    return found | {"val_images": seen.n_val, "score_interval": round(rules.interval(seen.n_val), 1)}


def remarks(seen: Seen, choice: Choice) -> list[str]:
    """Lines that a person should not miss."""
    lines = []
    if choice.weighed is not None and choice.weighed.remark:
        lines.append(
            f"onnxruntime could not run it ({choice.weighed.remark}): milliseconds are torch's, and the size that of the weights"
        )
    if seen.n_val < rules.FEW_VALIDATION:
        lines.append(
            f"only {seen.n_val} validation image{'s' * (seen.n_val > 1)}: a score on them may be off by "
            f"± {rules.interval(seen.n_val):.0f} points of mIoU; label more, or let --folds 5 use all images for it"
        )
    if len(seen.data.train.pairs) < 10:
        lines.append(f"only {seen.n_train} training image{'s' * (seen.n_train > 1)}: expect it to know little else")
    return lines
