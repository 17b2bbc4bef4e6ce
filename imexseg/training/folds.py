"""`--folds K`: after a run, its settings again on K shares of the images, for a score that rests on all of them.

The network of the run stays as it is, trained on `train` and chosen on `val`. Each fold repeats what the run did, epoch for
epoch, on the other K - 1 shares, and is scored on its own share by the weights of the last epoch: to choose the best one on
the same images would flatter it.
"""

import json
import shutil
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from imexseg.data.check.folds import make_folds
from imexseg.files import write_atomically
from imexseg.models.artefact import load, save_weights
from imexseg.training.config import RunConfig, resolve
from imexseg.training.fit import RunData, fit
from imexseg.training.run_folder import BEST, CONFIG, METRICS, has_finished_an_epoch
from imexseg.units import in_time

FOLDS, SCORES = "folds", "folds.json"


@dataclass(frozen=True)
class Folds:
    """Scores of the folds that were trained. images: that were shared out to all `of` folds."""

    mious: list[float]
    of: int
    images: int

    @property
    def spread(self) -> float:
        """Standard deviation over the folds; 0 of one."""
        return statistics.stdev(self.mious) if len(self.mious) > 1 else 0.0

    def in_words(self) -> str:
        """Mean and spread, and what is missing."""
        part = f"{len(self.mious)} of {self.of} folds" if len(self.mious) < self.of else f"{self.of} folds"
        return f"mIoU {statistics.fmean(self.mious):.4f} ± {self.spread:.4f} over {part} of {self.images} images"


def cross_validate(
    config: RunConfig, folder: Path, data: RunData, console: Console, seconds: float | None = None
) -> Folds | None:
    """Train and score the folds that are missing; write folds.json and, into best.safetensors, what they say.

    Args: config: with `folds`.  seconds: of the clock: no fold begins that would not end in them; None: no limit.
    Returns: None if there was no time for any. Raises: as make_folds and fit.
    """
    started = time.monotonic()
    k = config.folds or 0
    mious = _done(folder)[:k]
    folds = make_folds(data.description, data.train, data.val, k, config.seed) if len(mious) < k else []
    # As it stands there now: with the number of epochs that the clock has settled on, and without a budget.
    again = resolve(folder / CONFIG, {}).model_copy(update={"folds": None})
    lasted: list[float] = []
    for number in range(len(mious), k):
        begun = time.monotonic()
        if seconds is not None and begun - started + max(lasted, default=0.0) > seconds:
            console.print(f"no time is left for more folds than {number} of {k}")
            break
        place = folder / FOLDS / str(number + 1)
        place.mkdir(parents=True, exist_ok=True)
        of_fold = RunData(data.description, folds[number].train, folds[number].val)
        trained = fit(again, place, of_fold, Console(quiet=True), resume=has_finished_an_epoch(place), whole=folder)
        mious.append(trained.history[-1]["val_miou"])
        write_atomically(folder / SCORES, json.dumps(asdict(Folds(mious, k, _images(data)))))
        _keep_metrics(place)
        lasted.append(time.monotonic() - begun)
        left = (k - number - 1) * statistics.fmean(lasted)
        more = f", about {in_time(left)} left" if number + 1 < k else ""
        console.print(f"fold {number + 1} of {k}: mIoU {mious[-1]:.4f} on {len(of_fold.val.pairs)} images{more}")
    if not mious:
        return None
    found = Folds(mious, k, _images(data))
    network = load(folder / BEST)
    metrics = network.info.metrics | {"folds": asdict(found)}
    save_weights(folder / BEST, network, network.info.model_copy(update={"metrics": metrics}))
    return found


def _images(data: RunData) -> int:
    return len(data.train.pairs) + len(data.val.pairs)


def _done(folder: Path) -> list[float]:
    """What an interrupted run had finished already."""
    path = folder / SCORES
    return json.loads(path.read_text())["mious"] if path.exists() else []


def _keep_metrics(place: Path) -> None:
    """Of a finished fold nobody needs the weights."""
    for path in place.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != METRICS:
            path.unlink()
