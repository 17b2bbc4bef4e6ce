"""What last.ckpt must satisfy before a run continues from it."""

import json
import zipfile
from pathlib import Path
from typing import Any

import torch

from imexseg.errors import UsageError
from imexseg.settings import shown
from imexseg.training.config import RunConfig
from imexseg.training.recorder import RunRecorder
from imexseg.training.run_folder import CONFIG, ENVIRONMENT, LAST
from imexseg.training.task import SegmentationTask

_PARTS = ("state_dict", "epoch", "global_step", "lr_schedulers", "optimizer_states", "callbacks", "loops")
# What may differ from the settings that a run began with: it changes where and how fast, not what is computed.
FREE = frozenset(
    (
        *("num_workers", "devices", "num_nodes", "accelerator", "accept_licence", "store_states", "init_weights"),
        *("budget", "fill_budget", "paces", "plan", "cpu_threads"),  # last.ckpt knows what the clock has changed
        *("cache_memory", "folds"),
    )
)
_NAMES = frozenset(("name", "licence"))  # of the data: a folder may be moved


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint of this program, every bit as it was written. Raises: UsageError naming the file and the remedy."""
    try:
        with zipfile.ZipFile(path) as file:
            if file.testzip() is not None:  # compares the checksums of all entries
                raise UsageError(f"{path}: is damaged; {_remedy(path)}")
        content = torch.load(path, weights_only=True, map_location="cpu")
    except UsageError:
        raise
    except Exception as error:  # zipfile, pickle and torch raise whatever they stumble over
        reason = " ".join(str(error).split())[:120]
        raise UsageError(f"{path}: is damaged, truncated or not a checkpoint ({reason}); {_remedy(path)}") from None
    recorded = content.get("callbacks", {}).get("RunRecorder") if isinstance(content, dict) else None
    if not isinstance(recorded, dict) or any(part not in content for part in _PARTS):
        raise UsageError(f"{path}: is not a checkpoint of `imexseg train`; {_remedy(path)}")
    return content


def require_same_run(path: Path, task: SegmentationTask, recorder: RunRecorder) -> None:
    """That the checkpoint belongs to these settings and data. Raises: UsageError naming what differs and the remedy."""
    content = read_checkpoint(path)
    begun_with = content["callbacks"]["RunRecorder"].get("begun_with")
    if isinstance(begun_with, str):
        then, now = json.loads(begun_with), json.loads(recorder.state_dict()["begun_with"])
        _require_same_settings(path, recorder.run_folder, then["training"], now["training"])
        for what in ("names", "network", "data"):
            keys = (then[what].keys() - _NAMES) if isinstance(then[what], dict) else ()
            differs = next((key for key in sorted(keys) if then[what][key] != now[what].get(key)), None)
            if differs or (what == "names" and then[what] != now[what]):
                was, is_ = (side[what].get(differs) if differs else side[what] for side in (then, now))
                raise UsageError(
                    f"{path}: the run began with other data: {differs or what} was {shown(was)} and is {shown(is_)} now; "
                    f"restore the data, or begin a new run with --init-weights {recorder.run_folder}"
                )
    own = {name: tensor.shape for name, tensor in task.state_dict().items()}
    found = {name: tensor.shape for name, tensor in content["state_dict"].items()}
    if own != found:
        name = next(name for name in sorted(own.keys() | found.keys()) if own.get(name) != found.get(name))
        raise UsageError(f"{path}: is of another network (tensor {name}); {_remedy(path)}")


def _require_same_settings(path: Path, folder: Path, then: dict[str, Any], now: dict[str, Any]) -> None:
    continued = {"epochs", "restarts", "level_epochs"} if _continues(then, now) else set()
    for name in sorted((then.keys() & now.keys()) - FREE - continued):
        if then[name] == now[name]:
            continue
        remedy = f"set it back to {shown(then[name])}, or begin a new run with --init-weights {folder}"
        if name == "epochs" and now[name] > then[name]:
            remedy = (
                f"set it back to {then[name]} and finish the run; then imexseg train --resume {folder} --epochs {now[name]} "
                "continues it"
            )
        raise UsageError(
            f"{folder / CONFIG}: {name} is {shown(now[name])}, but {path} was begun with {shown(then[name])}: {remedy}"
        )


def _continues(then: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether the settings add epochs, in a cycle of their own, to those of then."""
    return now.get("restarts", [])[:-1] == then.get("restarts", []) and now.get("restarts", [])[-1:] == [then["epochs"]]


def _remedy(path: Path) -> str:
    best = path.parent / "best.safetensors"
    if best.is_file():
        return f"begin a new run with the best weights so far: --init-weights {best}"
    return "begin a new run"


def continued(config: RunConfig, folder: Path, epochs: int) -> RunConfig:
    """The settings of a finished run with more epochs, under a new cycle of the learning rate (cycles.py).

    Raises: UsageError if the run is not finished, or has as many already.
    """
    if config.paces:
        raise UsageError(
            f"--epochs {epochs}: the number of epochs of {folder} was fitted to its budget while it ran, and its cycle cannot be "
            f"continued; begin a new run with --init-weights {folder}"
        )
    path = folder / LAST
    done = len(read_checkpoint(path)["callbacks"]["RunRecorder"]["history"]) if path.is_file() else 0
    if done < config.epochs:
        why = f"{folder} has finished {done} of {config.epochs} epochs"
        if "stopped" in _facts(folder):
            raise UsageError(
                f"--epochs {epochs}: {why} and was stopped early; begin a new run with --init-weights {folder}"
            )
        raise UsageError(f"--epochs {epochs}: {why}; finish it first with: imexseg train --resume {folder}")
    if epochs <= config.epochs:
        raise UsageError(f"--epochs {epochs}: {folder} has {config.epochs} epochs already; give more to continue it")
    more = {"epochs": epochs, "restarts": [*config.restarts, config.epochs]}
    return config.model_copy(update=more | {"level_epochs": config.level_epochs or config.epochs})


def _facts(folder: Path) -> dict[str, Any]:
    try:
        facts = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
