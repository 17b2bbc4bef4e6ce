"""imexseg train: train a network on a data set, or on Q-tips if none is given."""

import argparse
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from imexseg.cli.console import in_words, messages, progress_bar
from imexseg.cli.plan import look_at
from imexseg.cli.planned import planned, seconds_for_training, wants_plan
from imexseg.cli.train_options import FLAGS, add_arguments
from imexseg.errors import UsageError
from imexseg.interrupts import on_interrupt

if TYPE_CHECKING:
    from imexseg.training.config import RunConfig
    from imexseg.training.fit import RunData

__all__ = ["add_arguments", "run"]


def run(options: argparse.Namespace) -> int:
    """Raises: UsageError for settings or data that cannot work; JobError if the run was interrupted or could not write."""
    begun = time.monotonic()
    from imexseg.data.check.folds import require_folds
    from imexseg.models.recipes import settings_in_words
    from imexseg.training.config import resolve
    from imexseg.training.device import check_devices
    from imexseg.training.fit import check_network
    from imexseg.training.folds import SCORES
    from imexseg.training.run_folder import (
        CONFIG,
        choose_run_folder,
        create_run_folder,
        has_finished_an_epoch,
        new_run_folder,
        process_rank,
    )
    from imexseg.training.teacher import check_teacher
    from imexseg.training.transfer import check_beginning

    if options.resume is not None:
        with _claimed_again(options.resume):
            config = _resumed(options)
            check_devices(config)
            if options.epochs is not None:
                create_run_folder(options.resume, config)
                (options.resume / SCORES).unlink(missing_ok=True)  # of folds of fewer epochs
                messages.print(
                    f"continued after epoch {config.restarts[-1]}: the learning rate begins a new cycle, up to "
                    f"{config.learning_rate:g} and down again"
                )
            data = None if config.data is None else look_at(config.data)
            return _train(config, options.resume, data, resume=has_finished_an_epoch(options.resume))
    config = _configured(options)
    check_devices(config)
    planning = wants_plan(config, options)
    if not planning:
        check_beginning(config)
    folder = choose_run_folder(config)
    # A user's data is looked at before anything is written: what is wrong with it leaves no folder behind.
    data = None if config.data is None else look_at(config.data)
    if data is not None:
        check_teacher(config, data.description.names, data.train)
        if config.folds is not None:
            require_folds(config.folds, len(data.train.pairs) + len(data.val.pairs))
    if planning and data is not None:
        if process_rank() > 0:  # the first process has planned
            config = resolve(folder / CONFIG, {})
        else:
            config = planned(config, options, data, begun)
            folder = choose_run_folder(config)
        check_beginning(config)
    if data is not None:
        check_network(config, data)
    if data is not None and not planning and config.from_recipe and process_rank() == 0:
        messages.print(f"recipe of {config.model}: {settings_in_words(config.from_recipe)}")
    with new_run_folder(folder, config) as folder:
        return _train(config, folder, data, resume=False, seconds=seconds_for_training(config, begun))


def _train(
    config: "RunConfig", folder: Path, data: "RunData | None", resume: bool, seconds: float | None = None
) -> int:
    from imexseg.report.of_run import report_on_run
    from imexseg.training.fit import fit, generate_data, look_at_data
    from imexseg.training.folds import cross_validate
    from imexseg.training.run_folder import BEST, REPORT, process_rank
    from imexseg.training.trainer import interrupted

    on_interrupt(lambda: interrupted(folder))
    where = in_words(folder)
    if process_rank() == 0:
        messages.print(f"{config.model} for {config.epochs} epochs; results will be in {where}")
    data = data or look_at_data(generate_data(config, folder))
    begun = time.monotonic()
    share = None if seconds is None else seconds / (1 + (config.folds or 0))
    trained = fit(config, folder, data, messages, resume, share)
    if process_rank() > 0:
        return 0
    folds = None
    if config.folds is not None:
        left = None if seconds is None else seconds - (time.monotonic() - begun)
        folds = cross_validate(config, folder, data, messages, left)
    with progress_bar("report") as progress:
        reported = report_on_run(folder, trained, progress, folds)
    scores = reported.scores
    messages.print(f"best epoch {trained.best_epoch}: mIoU {scores.miou:.4f} on {scores.images} validation images")
    if folds is not None:
        messages.print(f"folds: {folds.in_words()}")
    for line in reported.advice:
        messages.print(f"would help: {line}")
    messages.print(f"weights   {where}/{BEST}\nreport    {where}/{REPORT}")
    messages.print(f"segment   imexseg predict IMAGE --weights {where}/{BEST}")
    return 0


def _configured(options: argparse.Namespace) -> "RunConfig":
    from imexseg.training.config import resolve

    if options.config is not None and not options.config.is_file():
        raise UsageError(f"{options.config}: no such file; --config takes the config.yaml of a run")
    flags = {name: getattr(options, name) for name in FLAGS}
    if options.network is not None:
        flags["network"] = {key: value for given in options.network for key, value in given.items()}
    return resolve(options.config, flags)


def _claimed_again(folder: Path) -> AbstractContextManager[None]:
    from imexseg.training.claim import claimed
    from imexseg.training.run_folder import CONFIG, process_rank

    if not (folder / CONFIG).is_file():
        raise UsageError(f"{folder / CONFIG}: not found; give the folder of a run")
    return claimed(folder) if process_rank() == 0 else nullcontext()


def _resumed(options: argparse.Namespace) -> "RunConfig":
    """The settings of an interrupted run. What was set then holds: another value would not continue that run.

    With more --epochs, those of a finished run that is continued.
    """
    from imexseg.training.checkpoint import continued
    from imexseg.training.config import flag, resolve
    from imexseg.training.run_folder import CONFIG

    given = [flag(name) for name in (*FLAGS, "config") if name != "epochs" and getattr(options, name) is not None]
    if given:
        raise UsageError(
            f"{', '.join(given)}: cannot be combined with --resume, which continues a run with the settings it began with"
        )
    config = resolve(options.resume / CONFIG, {})
    return config if options.epochs is None else continued(config, options.resume, options.epochs)
